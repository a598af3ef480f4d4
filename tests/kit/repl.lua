-- SPDX-License-Identifier: GPL-2.0-only
-- The Lua prompt: provium repl, and provium test --on-failure=repl.

local pty = require "pty"
local runner = require "runner"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local COMMAND = ("env TERM=xterm XDG_STATE_HOME=%s/state %s"):format(dir, runner.quote(runner.path))
local PROMPT = "expect " .. provium.profile .. "> "

local function repl(steps) return pty.run(dir, COMMAND .. " repl " .. provium.profile, steps) end

test("the prompt prints the values of expressions, and goes on with incomplete lines", function()
	local shown, ending = repl { PROMPT, 'send 6*7, "a"\r', 'expect \n42\t"a"\r\n', PROMPT,
		"send function f(x)\r", "expect ... ", "send return x + 1 end\r", PROMPT, "send f(1)\r", "expect \n2\r\n", PROMPT,
		"send vm:exec('uname -s').stdout\r", 'expect \n"Linux\\n"\r\n', PROMPT, "send =\r", "expect unexpected symbol", PROMPT,
		"send nosuch.x\r", "expect attempt to index a nil value (global 'nosuch')", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("Tab completes methods of a VM, constants and, in quotes, system calls", function()
	local shown, ending = repl { PROMPT, "send vm:is_r\t()\r", "expect \ntrue\r\n", PROMPT, "send provium.const.O_RDW\t\r", "expect \n2\r\n", PROMPT,
		'send vm:syscall("getpp\t")\r', "expect \n1\r\n", PROMPT, "send provium.nr.getppi\t\r", "expect \n110\r\n", PROMPT,
		"send vm:syscall_\t\t", "expect vm:syscall_bufs  vm:syscall_ptr", "send \3", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("help shows the section of the API's documentation about a function or a name", function()
	local shown, ending = repl { PROMPT, "send help(vm.exec)\r", "expect vm:exec(cmd, opts?)\r\n", PROMPT,
		"send help 'pack'\r", "expect provium.pack(fmt, ...)\r\n", PROMPT, "send help(nil)\r", "expect help(vm.exec), help \"exec\"", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("Ctrl-C drops a line, interrupts Lua code and a call, and the VM can be used afterwards", function()
	local shown, ending = repl { PROMPT, "send error('not run')\3", PROMPT, "send while true do end\r", "expect end\r\n", "pause 300", "send \3", "expect interrupted\r\n",
		PROMPT, "send vm:exec('sleep 1000')\r", "expect )\r\n", "pause 500", "send \3", "expect interrupted\r\n", PROMPT,
		"send vm:exec('echo $((6*7))').stdout:trim()\r", 'expect \n"42"\r\n', PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("the prompt has the history of earlier sessions; only the user can read its file", function()
	local shown, ending = repl { PROMPT, "send 123456 + 1\r", "expect 123457", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
	assert_eq("600", runner.shell("stat -c %a " .. dir .. "/state/provium/history"))
	shown, ending = repl { PROMPT, "send \16\r", "expect \n123457 ", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("a line that is longer than the window is edited in the window's size", function()
	local shown, ending = repl { PROMPT, "resize 24 40", "send 0\r", "expect \n0\r\n", PROMPT,
		"send " .. ("1+"):rep(30) .. "1\r", "expect \n31\r\n", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("--on-failure=repl has the local variables of the failed test, and its verdict stays", function()
	local path = runner.write(dir .. "/locals.lua", 'local outer = "of the file"\n' ..
		'test("fails", { fixture = provium.profile }, function(machine)\n\tlocal answer, list = 42, { "a", n = 1 }\n' ..
		'\tmachine:write_file("/tmp/x", outer)\n\tassert_eq(1, answer)\n\treturn list\nend)\n')
	local shown, ending = pty.run(dir, ("%s test --on-failure=repl %s"):format(COMMAND, path), { "expect VM 1> ",
		"send answer, list, outer\r", 'expect \n42\t{"a", n = 1}\t"of the file"\r\n', "expect VM 1> ",
		"send machine:read_file('/tmp/x') .. '!'\r", 'expect \n"of the file!"\r\n', "expect VM 1> ", "send vm == machine\r", "expect \ntrue\r\n",
		"expect VM 1> ", "send \4" })
	assert_eq("exit 1", ending, shown)
	assert_contains(shown, "FAIL: 0 passed, 1 failed")
end)

test("Ctrl-Z stops nothing: the prompt reads on", function()
	local shown, ending = repl { PROMPT, "send \26", "pause 300", "send \21", "send 6*7\r",
		"expect \n42\r\n", PROMPT, "send \4" }
	assert_eq("exit 0", ending, shown)
end)

test("a terminal that goes away, and SIGTERM, end the prompt and its VM", function()
	local shown, ending = repl { PROMPT, "signal 15" }
	assert_eq("signal 15", ending, shown)
	shown, ending = repl { PROMPT, "hangup" }
	assert_eq("signal 1", ending, shown)
	assert_eq(nil, runner.qemu_below(tonumber(runner.shell("echo $PPID"))))
end)

test("without a terminal provium repl says what to use instead", function()
	assert_eq("provium repl: stdin is not a terminal; a file of Lua code is run by provium test FILE",
		runner.shell(COMMAND .. " repl </dev/null 2>&1"):match("^[^\n]*"))
end)
