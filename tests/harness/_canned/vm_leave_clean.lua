-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that leave something behind: tests/reports/leave_clean.lua checks each
-- verdict.

local vm = provium.create():boot { memory = "128M" }
local function commit(fault) return vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault)) end

test("a timer that outlives its module", { leave_clean = true }, function()
	local other = provium.create():boot { memory = "128M" }
	other:insmod("faults")
	assert(other:exec("echo timer_after_unload >/sys/module/faults/parameters/commit").ok)
end)
test("the same without leave_clean", function()
	local other = provium.create():boot { memory = "128M" }
	other:insmod("faults")
	assert(other:exec("echo timer_after_unload >/sys/module/faults/parameters/commit").ok)
end)
test("a module in use by a descriptor and by a worker", { leave_clean = true }, function()
	vm:insmod("echo")
	assert(vm:syscall("openat", provium.const.AT_FDCWD, "/dev/echo\0", provium.const.O_RDWR, 0) >= 3)
	local worker = vm:spawn()
	assert(worker:syscall("openat", provium.const.AT_FDCWD, "/dev/echo\0", provium.const.O_RDWR, 0) >= 3)
end)
test("after the test with the module echo", function()
	assert(not vm:read_file("/proc/modules"):find("^echo "), "the module is there")
end)
test("a module that a job keeps in use", { leave_clean = true }, function()
	vm:insmod("echo")
	vm:background("exec 5</dev/echo; sleep 1000")
	wait_until(function() return vm:read_file("/proc/modules"):find("^echo %d+ 1 ") end, { interval = 0.05 })
end)
test("a clean test", { leave_clean = true }, function()
	vm:insmod("faults")
	assert(commit("none").ok)
end)

local function start_timer(clone)
	assert(clone:exec("echo timer_after_unload >/sys/module/faults/parameters/commit").ok)
end

test("a timer, in a clone of a fixture with leave_clean", { fixture = "leaving" }, start_timer)
test("the same in a test that refuses leave_clean", { fixture = "leaving", leave_clean = false }, start_timer)
test("a fixture with an unknown option", { fixture = "mistaken" }, function() end)
