-- SPDX-License-Identifier: GPL-2.0-only
-- The next test's clone, which is there before the test is: it is a fresh one all the same.

local core = require "provium.core"
local runner = require "runner"

local SELF = tonumber(runner.read("/proc/self/stat"):match("^%d+"))

-- There is a spare only where nobody waits for room: a gate of our own.
if os.getenv("PROVIUM_GATE") ~= os.getenv("SPARES") or not os.getenv("SPARES") then
	provium.timeout = "10m"
	test("spares, at a gate where nobody else waits", function()
		runner.with_folder(function(dir)
			local r = runner.run({ "test", "clones/spares.lua" }, { cwd = runner.canned .. "/../..",
				env = { PROVIUM_GATE = dir, SPARES = dir }, prefix = { runner.timeout, "-k", "5", "500" } })
			assert_eq(0, r.status, r.said)
		end)
	end)
	return
end

local FIXTURE = { fixture = "minimal" }

local before = {}		-- what the test before has left to be compared with

local function uptime(vm) return tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+")) end

local function status(pid, name)
	return (runner.read(("/proc/%d/status"):format(pid)) or ""):match(name .. ":%s*([^\n]*)")
end

-- The QEMU of this file that is not the test's own.
local function spare_of(vm)
	for pid in runner.shell("ls /proc"):gmatch("%d+") do
		if tonumber(status(pid, "PPid")) == SELF and status(pid, "Name"):find("^qemu") and
			tonumber(pid) ~= vm.core:info().qemu_pid then return tonumber(pid) end
	end
end

local function ticks(pid)
	local user, system = runner.read(("/proc/%d/stat"):format(pid)):match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
	return tonumber(user) + tonumber(system)
end

-- Of our own waiting, and of the guest's, which has the runner look after others.
local function pass_time(vm, seconds)
	local stop = core.now() + seconds
	while core.now() < stop do vm:exec("sleep 0.1") end
end

test("while a test waits for its VM, there is another one", FIXTURE, function(vm)
	pass_time(vm, 3)
	before.pid, before.uptime, before.uuid = spare_of(vm), uptime(vm), vm:read_file("/proc/sys/kernel/random/uuid")
	assert(before.pid)
end)

test("it is the next test's", FIXTURE, function(vm)
	assert_eq(before.pid, vm.core:info().qemu_pid)
end)

test("for its guest no time has passed", FIXTURE, function(vm)
	pass_time(vm, 2)
	before.uptime = uptime(vm)
	assert(before.uptime)
end)

test("... as its own clock says", FIXTURE, function(vm)
	local now, host = uptime(vm), os.time()
	assert(now < before.uptime - 1, ("up for %.2f s, the one before for %.2f s"):format(now, before.uptime))
	local guest = tonumber(vm:exec("date +%s").stdout.value)
	assert(math.abs(guest - host) <= 1, ("guest %d, host %d"):format(guest, host))
end)

test("it has random numbers of its own", FIXTURE, function(vm)
	assert_ne(before.uuid, vm:read_file("/proc/sys/kernel/random/uuid"))
end)

test("it stands still meanwhile: its guest's work does not begin", { fixture = "busy" }, function(vm)
	assert(tonumber(vm:read_file("/tmp/count")) > 0)
	pass_time(vm, 1)
	local pid = assert(spare_of(vm))
	local first = ticks(pid)
	pass_time(vm, 1)
	-- A busy guest has a hundred of them in a second.
	local more = ticks(pid) - first
	assert(more <= 2, more .. " ticks")
end)

test("... and goes on then", { fixture = "busy" }, function(vm)
	local first = tonumber(vm:read_file("/tmp/count"))
	wait_until(function() return tonumber(vm:read_file("/tmp/count")) > first end, { interval = 0.05, timeout = 20 })
end)

test("one that dies costs no test", FIXTURE, function(vm)
	pass_time(vm, 0.5)
	before.pid = assert(spare_of(vm))
	os.execute("kill -KILL " .. before.pid)
	pass_time(vm, 0.5)
	assert(vm:exec("true").ok)
end)

test("... nor the next one", FIXTURE, function(vm)
	assert_ne(before.pid, vm.core:info().qemu_pid)
	assert(vm:exec("true").ok)
end)

test("one that dies while nobody looks", FIXTURE, function(vm)
	pass_time(vm, 0.5)
	os.execute("kill -KILL " .. assert(spare_of(vm)))
	assert(vm)
end)

test("... costs no test either", FIXTURE, function(vm)
	assert(vm:exec("true").ok)
end)

test("a test that never waits leaves one that still runs", FIXTURE, function(vm)
	core.pause(0.5)
	assert(spare_of(vm))
end)

test("... and is ready, too", FIXTURE, function(vm)
	assert(vm:exec("true").ok)
end)
