-- SPDX-License-Identifier: GPL-2.0-only
-- Guests that hang: the test's limit holds, and its report shows the stack of
-- the code that hangs. The tests fail, so they are a canned suite.

local runner = require "runner"

local slowness = runner.scale_limits()
local events = runner.test_events("vm_hangs.lua", { prefix = { runner.timeout, ("%.0f"):format(280 * slowness) } })

local CALL_TIMEOUT_S = 60	-- default of vm.timeout

-- Checks that the test's message begins with a complaint in this function, and
-- that the test ended before the limit of its call.
local function check_complaint(name, fn)
	local event = assert(events[name], name .. " has no result")
	assert_eq("FAIL", event.verdict)
	assert(event.message:find("^the kernel complained: [^\n]* in " .. fn .. "%f[^%w_][^\n]*\n"), event.message)
	-- On a slow machine the limit is longer than the kernel waits before it
	-- reports a stall, upon which it answers.
	if event.message:find("^the kernel complained: hung in ") then
		assert_contains(event.message, ": the guest hangs: its agent does not answer any more")
	end
	assert(event.seconds < CALL_TIMEOUT_S * slowness, ("%g s at slowness %g"):format(event.seconds, slowness))
	assert_contains(event.complaints[1].source.where, "modules/faults/faults.c:")
	return event
end

-- Checks also that it is the test's limit of 3 seconds that has ended it.
local function check(name, fn)
	assert_contains(check_complaint(name, fn).message, "\nthe test's time limit was reached")
end

test("a loop with interrupts off is reported as a hang in the function that loops", function()
	check("a loop with interrupts off, one processor", "fault_spin_irqs_off")
	local event = events["a loop with interrupts off, one processor"]
	assert_contains(event.message, "the kernel complained: hung in fault_spin_irqs_off")
	assert_eq(1, #event.complaints, event.message)	-- none comes of the runner's NMI
end)

test("a guest that hung and was restored is watched again", function()
	local event = events["a WARNING of the guest that looped, after a restore"]
	assert_eq("FAIL", event.verdict)
	assert(event.message:find("^the kernel complained: WARNING in fault_warn"), event.message)
end)

test("a loop with interrupts off on the first of two processors is reported as a hang in the function that loops", function()
	check("a loop with interrupts off, two processors", "fault_spin_irqs_off")
end)

test("a loop with interrupts on is reported as a hang in the function that loops", function()
	check("a loop with interrupts on", "fault_spin")
end)

test("a call into a loop ends soon after the kernel has reported the loop", function()
	local event = assert(events["a call into a loop ends soon after the kernel has reported the loop"])
	assert_eq("FAIL", event.verdict)
	-- If the other processor stops all processors just then, it waits for
	-- this one with interrupts off, and cannot report it.
	local ends = event.message:find("^the kernel complained: hung in ") and ", and the guest hangs: " or
		" (the kernel's report shortened the limit)"
	assert(event.message:find("^the kernel complained: [^\n]* in fault_spin%f[^%w_][^\n]*\n"), event.message)
	assert(event.message:find("\n.*no result within [%d.]+ s" .. ends:gsub("%p", "%%%0")), event.message)
end)

local SHORTENED = "\nexec [^\n]*: no result within [%d.]+ s %(the kernel's report shortened the limit%)"

-- Checks the report that the kernel makes when the agent asks. On a slow
-- machine the kernel has reported a stall before, or the agent hangs as well.
local function check_loop(name, ending)
	local event = check_complaint(name, "fault_spin")
	if not event.message:find(SHORTENED) then assert_contains(event.message, ending) end
	for _, complaint in ipairs(event.complaints) do
		if complaint.title == "hung in fault_spin" then return end
		if complaint.title == "endless loop in fault_spin" then
			assert(not table.concat(complaint.lines, "\n"):find "Comm: agent", event.message)
			assert_contains(complaint.source.where, "modules/faults/faults.c:")
			return
		end
	end
	error(event.message)
end

test("a loop that its processor does not report is reported after the test's limit", function()
	check_loop("a loop of a killed task, the other processor works", "\nthe test's time limit was reached\nin VM ")
end)

test("a loop that its processor does not report is reported after the call's limit", function()
	check_loop("a loop of a killed task, in a call with a limit of its own", "\nexec ")
end)

test("a loop that keeps other killed tasks from ending is reported once", function()
	local event = check_complaint("a loop, and tasks that wait for its processor", "fault_spin")
	local nr_loops = 0
	for _, complaint in ipairs(event.complaints) do
		if complaint.kind == "loop" then nr_loops = nr_loops + complaint.reports end
	end
	assert(nr_loops <= 1, event.message)
end)

test("a WARNING after a loop that the kernel cannot report is shown", function()
	local event = events["a WARNING after a loop that the kernel cannot report"]
	assert_eq("FAIL", event.verdict)
	local titles = {}
	for i, complaint in ipairs(event.complaints) do titles[i] = complaint.title end
	assert_eq({ "endless loop", "WARNING in fault_warn" }, titles, event.message)
end)

test("a test that reaches its limit shows where its call was", function()
	local event = events["a command that sleeps"]
	assert_eq("FAIL", event.verdict)
	assert(event.message:find("^the test's time limit was reached\nin VM %d these calls were running:\n" ..
		"the executor [^\n]*:\nstate: S\nwchan: [^\n]*nanosleep\n"), event.message)
end)

test("the reports that a looping guest repeats do not fail the test after it", function()
	assert_eq("ok", events["a test after one whose guest still loops"].verdict)
end)

test("a test is not blamed for a state that an earlier test was blamed for", function()
	assert_contains(events["a report of a state that lasts"].message, "the kernel complained: rcu_sched detected stall")
	for _, title in ipairs { "a test in the guest of that report", "a test beside the guest of that report" } do
		local event = events[title]
		assert_eq("ok", event.verdict, event.message)
	end
end)

test("a worker that died by an oops does not fail the next test by the lockup of its queue", function()
	assert_eq("FAIL", events["a worker of the kernel dies"].verdict)
	local event = events["a test after the worker's death"]
	assert_eq("ok", event.verdict, event.message)
end)

test("a test after tests whose guests hung passes", function()
	assert_eq("ok", events["after the guests that hung"].verdict)
end)
