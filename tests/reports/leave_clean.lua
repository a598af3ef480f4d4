-- SPDX-License-Identifier: GPL-2.0-only
-- The option leave_clean: what a test leaves behind is closed and removed, and
-- bugs that show then fail the test. Most of the tests fail, so they are a
-- canned suite.

local runner = require "runner"

local events = runner.test_events("vm_leave_clean.lua")

local function check(name, verdict, pattern)
	local event = assert(events[name], name .. " has no result")
	assert_eq(verdict, event.verdict, event.message)
	if pattern then assert(event.message:find(pattern), event.message) end
end

test("leave_clean: a timer that outlives its module fails the test that loaded it", function()
	check("a timer that outlives its module", "FAIL", "^the kernel complained: ")
	check("the same without leave_clean", "ok")
end)

test("leave_clean closes descriptors of a test and its workers, and removes its modules", function()
	check("a module in use by a descriptor and by a worker", "ok")
	check("after the test with the module echo", "ok")
end)

test("a module that leave_clean cannot remove fails the test, and the message says why", function()
	check("a module that a job keeps in use", "FAIL", "^leave_clean: VM %d+: rmmod echo: EAGAIN: in use")
end)

test("a test with leave_clean that leaves nothing but a module passes", function() check("a clean test", "ok") end)

test("tests on a fixture that returns leave_clean have it, unless they set it to false", function()
	check("a timer, in a clone of a fixture with leave_clean", "FAIL", "^the kernel complained: ")
	check("the same in a test that refuses leave_clean", "ok")
end)

test("the error for an unknown option of a fixture lists the known options", function()
	check("a fixture with an unknown option", "BROKEN",
		'fixture mistaken: the script\'s result: unknown option "leave_dirty"; the options are: leave_clean')
end)
