-- SPDX-License-Identifier: GPL-2.0-only
-- The option leaks: kmemleak must have found no leak at the end of the test.
-- The tests that leak fail, so they are a canned suite.

local faults_source = require "faults_source"
local runner = require "runner"

provium.timeout = "20m"

local vm = provium.create():boot { memory = "256M" }
vm:mount_vfs()
local has_kmemleak = vm:exec("test -e /sys/kernel/debug/kmemleak").ok
vm:shutdown()

local events

-- Returns the event of a test of the canned suite.
local function event_of(name)
	events = events or runner.test_events("vm_leaks.lua", { prefix = { runner.timeout, "-k", "5", "840" } })
	return assert(events[name], name .. " has no result")
end

-- Checks the verdict of the canned test, and its message by a pattern.
local function check(name, verdict, pattern)
	local event = event_of(name)
	assert_eq(verdict, event.verdict, event.message)
	if pattern then assert(event.message:find(pattern), event.message) end
	return event
end

-- Declares a test that skips on kernels without kmemleak.
local function leak_test(title, fn)
	test(title, { timeout = "5m" }, function()
		if not has_kmemleak then skip "needs CONFIG_DEBUG_KMEMLEAK (PROFILE=debug)" end
		fn()
	end)
end

test("the option leaks fails a test on a kernel without kmemleak, and names the profile with it", function()
	if has_kmemleak then skip "needs a kernel without CONFIG_DEBUG_KMEMLEAK" end
	check("a leak", "FAIL", "^leaks: VM %d+: this kernel has no kmemleak %(CONFIG_DEBUG_KMEMLEAK%): use PROFILE=debug")
	check("a leak without the option", "ok")
end)

test("the option leaks fails a test whose VMs have all ended", { timeout = "5m" }, function()
	check("a VM that is gone", "FAIL", "^leaks: no VM that the test has used is running at its end$")
end)

leak_test("memory that a module leaks fails the test, and the title names the function", function()
	local event = check("a leak", "FAIL", "^the kernel complained: memory leak in fault_leak$")
	assert_eq("kmemleak", event.complaints[1].kind)
	assert_contains(table.concat(event.complaints[1].lines, "\n"), "8 objects, such as:\nunreferenced object 0x")
end)

leak_test("a leak has the source line of the allocation", function()
	assert_eq(faults_source.place_of("kmalloc(200, GFP_KERNEL)"), event_of("a leak").complaints[1].source.where)
end)

leak_test("a leak fails neither the next test nor one without the option", function()
	check("after the test that leaked", "ok")
	check("a leak without the option", "ok")
end)

leak_test("a test can expect a leak by its title", function() check("an expected leak", "ok") end)

leak_test("a leak of a module that leave_clean has removed has the function's name", function()
	check("a leak of a module that leave_clean removes", "FAIL", "^the kernel complained: memory leak in fault_leak$")
end)

leak_test("a test that fails for another reason is not searched for leaks", function()
	check("a failed test that leaks", "FAIL", "^my own$")
end)
