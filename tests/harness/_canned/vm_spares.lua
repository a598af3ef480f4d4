-- SPDX-License-Identifier: GPL-2.0-only
-- A spare is the clone for the next test, made while the test before it waits. Each scenario
-- is two tests in this order: the first prepares, and the second looks at what it got.
package.path = package.path .. ";../../lib/?.lua"

local core = require "provium.core"
local runner = require "runner"

local SELF = tonumber(runner.read("/proc/self/stat"):match("^%d+"))
local FIXTURE = { fixture = provium.profile }

local noted = {}		-- what the first test of a scenario has seen

local function uptime(vm) return tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+")) end

local function status(pid, name)
	return (runner.read(("/proc/%d/status"):format(pid)) or ""):match(name .. ":%s*([^\n]*)")
end

-- The pid of the QEMU of this file that is not the test's own.
local function spare_of(vm)
	for pid in runner.shell("ls /proc"):gmatch("%d+") do
		if tonumber(status(pid, "PPid")) == SELF and status(pid, "Name"):find("^qemu") and
			tonumber(pid) ~= vm.core:info().qemu_pid then return tonumber(pid) end
	end
end

local function cpu_ticks(pid)
	local user, system = runner.read(("/proc/%d/stat"):format(pid)):match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
	return tonumber(user) + tonumber(system)
end

-- The runner services spares while it waits for a guest.
local function pass_time(vm, seconds)
	local stop = core.now() + seconds
	while core.now() < stop do vm:exec("sleep 0.1") end
end

test("use: a test that waits for its VM has a spare beside it", FIXTURE, function(vm)
	pass_time(vm, 3)
	noted.pid, noted.uuid = spare_of(vm), vm:read_file("/proc/sys/kernel/random/uuid")
	assert(noted.pid)
end)

test("use: the next test gets that spare, with random numbers of its own", FIXTURE, function(vm)
	assert_eq(noted.pid, vm.core:info().qemu_pid)
	assert_ne(noted.uuid, vm:read_file("/proc/sys/kernel/random/uuid"))
end)

test("time: a test runs for two seconds beside its spare", FIXTURE, function(vm)
	pass_time(vm, 2)
	noted.uptime = uptime(vm)
	assert(noted.uptime)
end)

test("time: the spare's uptime has not passed, and its clock is the host's", FIXTURE, function(vm)
	local start = core.now()
	local now, host = uptime(vm), os.time()
	local took = core.now() - start		-- long on a busy machine
	assert(now - took < noted.uptime - 1, ("up for %.2f s, %.2f s of them in this test; the VM before it for %.2f s"):format(
		now, took, noted.uptime))
	local guest = tonumber(vm:exec("date +%s").stdout.value)
	assert(math.abs(guest - host) <= 1, ("guest %d, host %d"):format(guest, host))
end)

test("pause: a spare with a busy guest uses no processor time", { fixture = "busy" }, function(vm)
	assert(tonumber(vm:read_file("/tmp/count")) > 0)
	pass_time(vm, 1)
	local pid = assert(spare_of(vm))
	-- A running busy guest uses a hundred ticks a second, always; a QEMU
	-- that has just started on a slow machine, some.
	wait_until(function()
		local first = cpu_ticks(pid)
		pass_time(vm, 1)
		return cpu_ticks(pid) - first <= 2
	end, { timeout = 10, desc = "a second in which the spare uses at most 2 ticks" })
end)

test("pause: the busy guest runs on when its test begins", { fixture = "busy" }, function(vm)
	local first = tonumber(vm:read_file("/tmp/count"))
	wait_until(function() return tonumber(vm:read_file("/tmp/count")) > first end, { interval = 0.05, timeout = 20 })
end)

test("death: a test passes although its spare dies", FIXTURE, function(vm)
	pass_time(vm, 0.5)
	noted.pid = assert(spare_of(vm))
	os.execute("kill -KILL " .. noted.pid)
	pass_time(vm, 0.5)
	assert(vm:exec("true").ok)
end)

test("death: the next test gets another VM", FIXTURE, function(vm)
	assert_ne(noted.pid, vm.core:info().qemu_pid)
	assert(vm:exec("true").ok)
end)

test("late death: a spare dies at the end of a test", FIXTURE, function(vm)
	pass_time(vm, 0.5)
	os.execute("kill -KILL " .. assert(spare_of(vm)))
	assert(vm)
end)

test("late death: the next test gets another VM", FIXTURE, function(vm)
	assert(vm:exec("true").ok)
end)

test("no wait: a test that never waits has a spare that is not paused", FIXTURE, function(vm)
	core.pause(0.5)
	assert(spare_of(vm))
end)

test("no wait: the next test's VM answers", FIXTURE, function(vm)
	assert(vm:exec("true").ok)
end)
