-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --on-failure: a shell in the VM of a test that has failed; for
-- gdb see gdb.lua.

local pty = require "pty"
local runner = require "runner"
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local file = runner.quote(runner.canned .. "/fails_in_vm.lua")
local function command(args) return ("%s test %s %s"):format(runner.quote(runner.path), args, file) end

test("--on-failure=shell opens a shell in the guest as the failed test left it", function()
	local shown, ending = pty.run(dir, command("--on-failure=shell -f '^leaves'"), {
		"expect expected 1, got 2", "expect VM 1:~ # ",
		"send cat /tmp/left; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c /tmp/left\r", "expect \nby the test\r\n1\r\n", "expect # ", "send exit\r",
	})
	assert_eq("exit 1", ending, shown)
	assert_contains(shown, "FAIL: 0 passed, 1 failed")
end)

test("the next tests run after the shell has ended, and a dead guest gets no shell", function()
	local shown, ending = pty.run(dir, command("--on-failure=shell"), {
		"expect VM 1:~ # ", "send ls /tmp\r", "expect left", "expect # ", "send exit\r",
		"expect FAIL: fails in a VM again", "expect :~ # ", "send ls /tmp\r", "expect second", "expect # ", "send \29q",
	})
	assert_eq("exit 1", ending, shown)
	assert_contains(shown, "no VM of this test runs any more, so there is nothing to look into (--on-failure=gdb keeps a kernel that has panicked)")
	assert_contains(shown, "FAIL: 1 passed, 3 failed")
end)

test("--on-failure=ask opens a shell for Return, none for n, and asks no more after q", function()
	local shown, ending = pty.run(dir, command("--on-failure=ask"), {
		"expect [q]uit asking: ", "send n\r", "expect FAIL: fails in a VM again", "expect asking: ", "send \r",
		"expect :~ # ", "send exit\r", "expect with a Lua p[r]ompt, [g]db, [n]o, [q]uit asking: ", "send n\r",
	})
	assert_eq("exit 1", ending, shown)
	shown, ending = pty.run(dir, command("--on-failure=ask"), { "expect [q]uit asking: ", "send q\r" })
	assert_eq("exit 1", ending, shown)
	assert_eq(nil, shown:match("FAIL: fails in a VM again"))
end)

test("on a terminal a run with failures ends with the commands that open shells and gdb", function()
	local shown, ending = pty.run(dir, command("-f '^leaves'"), {})
	assert_eq("exit 1", ending, shown)
	assert(shown:match("FAIL: 0 passed, 1 failed\r\na shell in their VMs: [^\r\n]* test %-%-rerun%-failed %-%-on%-failure=shell\r\n" ..
		"gdb on them, also after a panic: [^\r\n]* test %-%-rerun%-failed %-%-on%-failure=gdb\r\n$"), shown)
	assert_eq(nil, runner.shell(command("-f '^leaves'") .. " 2>&1"):match("a shell in their VMs"))
end)

test("--on-failure without a terminal is an error that says what to do", function()
	assert_eq("provium test: --on-failure=ask: stdin is not a terminal; run it in one, or without this option",
		runner.shell(command("--on-failure=ask") .. " </dev/null 2>&1"):match("^[^\n]*"))
	assert_contains(runner.shell(command("--on-failure=debug") .. " 2>&1"), "--on-failure=debug: expected shell, repl, gdb, keep or ask")
end)
