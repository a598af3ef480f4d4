-- SPDX-License-Identifier: GPL-2.0-only
-- Tests with the option leaks: tests/reports/leaks.lua checks each verdict.

local vm = provium.create():boot { memory = "256M" }
vm:insmod("faults")
local function commit(fault) assert(vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault)).ok) end

test("a leak", { leaks = true }, function() commit("leak") end)
test("after the test that leaked", { leaks = true }, function() commit("none") end)
test("a leak without the option", function() commit("leak") end)
test("an expected leak", { leaks = true, expect = "^memory leak in fault_leak$" }, function() commit("leak") end)
test("a leak of a module that leave_clean removes", { leaks = true, leave_clean = true }, function()
	vm:rmmod("faults")
	vm:insmod("faults")
	commit("leak")
end)
test("a failed test that leaks", { leaks = true }, function()
	vm:insmod("faults")
	commit("leak")
	assert(false, "my own")
end)
test("a VM that is gone", { leaks = true }, function()
	local other = provium.create():boot { memory = "128M" }
	other:kill()
	assert(true)
end)
