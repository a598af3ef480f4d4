-- SPDX-License-Identifier: GPL-2.0-only
-- Calls that are blocked are reported within 10 s of guest time. The tests fail
-- on purpose, so they are canned suites; these run at the same time.

local runner = require "runner"

provium.timeout = "20m"

local NAMES = { "vm_blocked", "vm_blocked_command", "vm_long_calls" }

local said, status = {}, {}
do
	local waits = {}
	for _, name in ipairs(NAMES) do
		waits[name] = select(2, runner.start({ "test", name .. ".lua" }, { env = runner.probed() }))
	end
	for _, name in ipairs(NAMES) do status[name], said[name] = waits[name]() end
end

test("a system call that is blocked ends long before the limit of other calls", function()
	assert_eq(1, status.vm_blocked)
	assert_contains(said.vm_blocked, "FAIL: syscall read: no result within ")
	assert_contains(said.vm_blocked, "(it is blocked, and the guest is idle; vm.timeout = 120 waits longer)")
	assert_contains(said.vm_blocked, "wchan: pipe_read")
	local seconds = tonumber(said.vm_blocked:match("log: ([%d.]+)"))
	-- 8 s, and what a loaded host adds; other calls have 60 s.
	assert(seconds and seconds > 5 and seconds < 20, said.vm_blocked)
end)

test("a command whose processes are blocked is ended like a blocked system call", function()
	assert_eq(1, status.vm_blocked_command)
	assert_contains(said.vm_blocked_command, "no result within ")
	assert_contains(said.vm_blocked_command, "(it is blocked, and the guest is idle; ")
	assert_contains(said.vm_blocked_command, "the command was killed")
end)

test("a call that waits for a process that sleeps for 10 s is not blocked", function()
	assert_contains(said.vm_long_calls, "a reader of a pipe whose writer sleeps ... ok")
	assert_eq(0, status.vm_long_calls)
end)
