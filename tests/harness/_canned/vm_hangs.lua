-- SPDX-License-Identifier: GPL-2.0-only
-- Guests that hang: tests/reports/hangs.lua checks each verdict.

local function boot(opts)
	local vm = provium.create():boot(opts or { memory = "128M" })
	vm:insmod("faults")
	return vm
end

local function commit(vm, fault)
	return vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault))
end

-- The guests boot before the tests whose limits are short.
local loops, loops_of_two, preempted, sleeps, snapshot
local works, works_too, crowded, locked
test("before the guests hang", function()
	loops, loops_of_two, preempted, sleeps = boot(), boot { memory = "128M", cpus = 2 }, boot(), boot()
	works, works_too = boot { memory = "128M", cpus = 2 }, boot { memory = "128M", cpus = 2 }
	crowded, locked = boot { memory = "256M", cpus = 2 }, boot()
	snapshot = loops:snapshot()
end)
test("a loop with interrupts off, one processor", { timeout = "3s" }, function() commit(loops, "spin_irqs_off") end)
test("a WARNING of the guest that looped, after a restore", function()
	loops:restore(snapshot)
	commit(loops, "warn")
end)
-- On processor 0, which takes the devices' interrupts. With a loop on the other
-- one the agent may still answer.
test("a loop with interrupts off, two processors", { timeout = "3s" }, function()
	loops_of_two:exec "taskset 1 sh -c 'echo spin_irqs_off >/sys/module/faults/parameters/commit'"
end)
test("a loop with interrupts on", { timeout = "3s" }, function() commit(preempted, "spin") end)
test("a call into a loop ends soon after the kernel has reported the loop", { timeout = "10m" }, function()
	commit(boot { memory = "128M", append = "rcupdate.rcu_cpu_stall_timeout=3", cpus = 2 }, "spin")
end)
test("a test after one whose guest still loops", function()
	provium.create():boot { memory = "128M" }:exec("sleep 15")
	assert(true)
end)
-- The kernel prints the names of options that it does not know.
local PRINT = "mount -t tmpfs -o 'x %s' none /tmp"
test("a report of a state that lasts", function() locked:exec(PRINT:format("INFO: rcu_sched detected stalls")) end)
test("a test in the guest of that report", function()
	locked:background("sleep 3; " .. PRINT:format("BUG: soft lockup - CPU#0"))
	assert(true)
end)
test("a test beside the guest of that report", function()
	provium.create():boot { memory = "128M" }:exec("sleep 8")
	assert(true)
end)
test("a loop of a killed task, the other processor works", { timeout = "3s" }, function()
	works:exec "taskset 2 sh -c 'echo spin >/sys/module/faults/parameters/commit'"
end)
test("a loop of a killed task, in a call with a limit of its own", { timeout = "10m" }, function()
	works_too:exec("taskset 2 sh -c 'echo spin >/sys/module/faults/parameters/commit'", { timeout = 3 })
end)
test("a loop, and tasks that wait for its processor", { timeout = "6s" }, function()
	local calls = {}
	for i = 1, 12 do
		calls[i] = crowded:spawn():async("exec", "taskset 2 sh -c 'echo spin >/sys/module/faults/parameters/commit'")
	end
	for _, call in ipairs(calls) do call:wait() end
end)
-- As on a kernel for one processor only.
test("a WARNING after a loop that the kernel cannot report", function()
	local vm = boot()
	vm:exec "echo 'provium: tasks that were killed still run in the kernel: 9' >/dev/kmsg"
	commit(vm, "warn")
end)
test("a command that sleeps", { timeout = "1s" }, function() sleeps:exec "sleep 1000" end)
test("a task that sleeps for good", { timeout = "3s" }, function() commit(sleeps, "hang") end)
test("a worker of the kernel dies", function()
	commit(boot { memory = "256M", append = "workqueue.watchdog_thresh=3" }, "null_work")
end)
test("a test after the worker's death", function()
	provium.create():boot { memory = "256M" }:exec("sleep 8")
	assert(true)
end)
test("after the guests that hung", function() assert(provium.create():boot { memory = "128M" }:exec("true").ok) end)
