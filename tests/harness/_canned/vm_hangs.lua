-- SPDX-License-Identifier: GPL-2.0-only
-- Guests that hang: tests/reports/hangs.lua checks each verdict.

local function boot(opts)
	local vm = provium.create():boot(opts or { memory = "128M" })
	vm:insmod("faults")
	return vm
end

local function commit(fault, opts, vm)
	return (vm or boot(opts)):exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault))
end

local loops, snapshot
test("before a loop", function()
	loops = boot()
	snapshot = loops:snapshot()
end)
test("a loop with interrupts off, one processor", { timeout = "3s" }, function() commit("spin_irqs_off", nil, loops) end)
test("a WARNING of the guest that looped, after a restore", function()
	loops:restore(snapshot)
	commit("warn", nil, loops)
end)
test("a loop with interrupts off, two processors", { timeout = "3s" }, function()
	commit("spin_irqs_off", { memory = "128M", cpus = 2 })
end)
test("a loop with interrupts on", { timeout = "3s" }, function() commit("spin") end)
test("a call into a loop ends soon after the kernel has reported the loop", { timeout = "10m" }, function()
	commit("spin", { memory = "128M", append = "rcupdate.rcu_cpu_stall_timeout=3", cpus = 2 })
end)
test("a test after one whose guest still loops", function()
	provium.create():boot { memory = "128M" }:exec("sleep 15")
	assert(true)
end)
test("a task that sleeps for good", { timeout = "3s" }, function() commit("hang") end)
test("a worker of the kernel dies", function()
	commit("null_work", { memory = "256M", append = "workqueue.watchdog_thresh=3" })
end)
test("a test after the worker's death", function()
	provium.create():boot { memory = "256M" }:exec("sleep 8")
	assert(true)
end)
test("after the guests that hung", function() assert(provium.create():boot { memory = "128M" }:exec("true").ok) end)
