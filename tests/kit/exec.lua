-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec: a fixture, modules, and standard input.

local pty = require "pty"
local runner = require "runner"
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local MIB = 1 << 20

local function exec(options)
	return ("%s exec --fixture %s %s "):format(runner.quote(runner.path), provium.profile, options or "")
end

-- Runs a shell command line with "EXEC" in it. Returns its output without the
-- line that names the accelerator, and its exit status.
local function sh(line, options)
	line = line:gsub("EXEC ", function() return exec(options) end)
	local said = runner.shell(("cd %s; { %s; } 2>&1; echo \"[$?]\""):format(dir, line))
	local text, status = said:match("^(.*)%[(%d+)%]$")
	return text:gsub("accel [^\n]*\n", ""), tonumber(status)
end

test("a command in a clone of a fixture gets standard input to its end, and its exit status is kept", function()
	assert_eq({ "3\n", 7 }, { sh "printf 'a\\nb\\nc\\n' | EXEC 'wc -l; exit 7'" })
	assert_eq({ "0\n", 0 }, { sh "EXEC wc -c </dev/null" })
	assert_eq({ "0\n", 0 }, { sh "EXEC wc -c <&-" })
end)

test("4 MiB of any bytes go to the command and come back unchanged", function()
	local _, status = sh(("head -c %d /dev/urandom >in; EXEC cat <in >out; cmp in out"):format(4 * MIB))
	assert_eq(0, status)
end)

test("a command that reads little of an endless input ends, and memory does not grow", function()
	-- A shell without job control gives its background commands /dev/null.
	local said = sh(("exec 3</dev/zero; EXEC 'sleep 0.5; head -c %d | wc -c' <&3 & while sleep 0.1; do " ..
		"grep VmHWM /proc/$!/status 2>/dev/null || break; done; wait $!"):format(MIB))
	local peak = 0
	for kib in said:gmatch("VmHWM:%s*(%d+) kB") do peak = math.max(peak, tonumber(kib)) end
	assert_contains(said, MIB .. "\n")
	assert(peak > 0 and peak < 20000, said)
end)

test("the command ends when the reader of its output has gone", function()
	local said = sh "(EXEC 'echo first; exec yes'; echo $? >status) | head -n 1; while [ ! -s status ]; do sleep 0.1; done; cat status"
	assert_eq("first\n141\n", said)
end)

test("output that cannot be written ends the command with exit status 3", function()
	local said, status = sh "EXEC yes >/dev/full"
	assert_eq({ "provium: exec: cannot write the output: No space left on device\n", 3 }, { said, status })
end)

test("modules are inserted before the command, with their parameters", function()
	local options = "--insmod echo --insmod 'load-params count=7 label=x'"
	assert_eq({ "/dev/echo\n7\n", 0 }, { sh("EXEC 'ls /dev/echo; cat /sys/module/load_params/parameters/count' </dev/null", options) })
end)

test("the kernel's refusal of a module is shown, and the exit status is 1", function()
	local said, status = sh("EXEC echo not reached", "--insmod 'load-params refuse_after=1'")
	assert_eq(1, status)
	assert_contains(said, "provium exec: insmod load-params: ")
	assert_eq(nil, said:find("not reached", 1, true))
end)

test("the error for a module that is not built names the ones that are", function()
	local said, status = sh("EXEC true", "--insmod nosuch")
	assert_eq(2, status)
	assert_contains(said, "there is no module nosuch")
end)

-- --- a terminal ---

local function on_terminal(command, steps) return pty.run(dir, exec() .. command, steps) end

test("lines typed on a terminal go to the command, and Ctrl-D ends its input", function()
	local shown, ending = on_terminal("'read a; echo [$a]; cat; exit 5'", { "expect accel", "send grün\r", "expect [grün]\r\n",
		"send more\r", "expect more\r\nmore\r\n", "send \4" })
	assert_eq("exit 5", ending, shown)
end)

test("the command ends when its terminal is closed, and no process is left behind", function()
	local mark = "EXEC_TEST=" .. dir
	local shown, ending = pty.run(dir, ("env %s %s 'echo started; cat'"):format(mark, exec()),
		{ "expect started", "run sh " .. runner.write_marked_check(dir, mark), "hangup" })
	assert_eq("signal 1", ending, shown)
	assert_eq(0, runner.count_marked(mark))
end)

test("Ctrl-C ends the command and the VM", function()
	local shown, ending = on_terminal("'echo started; sleep 1000'", { "expect started", "send \3" })
	assert_eq("signal 2", ending, shown)
end)

test("in the background of a terminal, a command runs on while something is typed", function()
	local script = runner.write(dir .. "/background", "set -m\n" .. exec() .. "'echo started; sleep 0.7; echo ended' &\nwait $!\n")
	local shown, ending = pty.run(dir, "bash " .. script, { "expect started", "send typed\r", "expect ended" })
	assert_eq("exit 0", ending, shown)
end)
