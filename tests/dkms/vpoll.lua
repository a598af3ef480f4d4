-- SPDX-License-Identifier: GPL-2.0-only
-- vpoll-dkms: a file of /dev/vpoll is as readable or writable as an ioctl says.

local dkms = require "dkms"

local C = provium.const
local SET_EVENTS = provium.IO("^", 3)
local ADD_EVENTS = provium.IO("^", 1)

local case = dkms.tests("vpoll", {}, function(vm)
	vm:insmod("vpoll")
	vm:wait_until(function() return vm:exec("test -c /dev/vpoll").ok end, { interval = 0.05 })
end)

-- Returns the result of poll() on the descriptor, and the events.
local function poll(caller, fd, wait_ms)
	local pollfd = provium.pack("i32 i16 i16", fd, C.POLLIN | C.POLLOUT, 0)
	local ret, out = caller:syscall("poll", provium.inout(pollfd), 1, wait_ms)
	return ret, select(3, provium.unpack("i32 i16 i16", out))
end

case("poll() of /dev/vpoll returns the events that the ioctl has set", function(vm)
	local fd = dkms.open(vm, "/dev/vpoll")
	assert_eq({ 0, 0 }, { poll(vm, fd, 0) })
	assert_eq(C.POLLIN, vm:syscall("ioctl", fd, SET_EVENTS, C.POLLIN))
	assert_eq({ 1, C.POLLIN }, { poll(vm, fd, 0) })
	assert_eq(C.POLLIN | C.POLLOUT, vm:syscall("ioctl", fd, ADD_EVENTS, C.POLLOUT))
	assert_eq({ 1, C.POLLIN | C.POLLOUT }, { poll(vm, fd, 0) })
	vm:syscall("close", fd)
end)

case("an ioctl on /dev/vpoll wakes a task that waits in poll()", function(vm)
	local fd = dkms.open(vm, "/dev/vpoll")
	local waiter <close> = setmetatable({ worker = vm:spawn() }, { __close = function(w) w.worker:kill() end })
	local call = waiter.worker:async("syscall", "poll",
		provium.inout(provium.pack("i32 i16 i16", fd, C.POLLIN, 0)), 1, -1)
	vm:wait_until(function() return vm:read_file(("/proc/%d/syscall"):format(waiter.worker.pid)):find("^7 ") end,
		{ interval = 0.02 })
	vm:syscall("ioctl", fd, SET_EVENTS, C.POLLIN)
	assert_eq(1, (call:wait()))
	vm:syscall("close", fd)
end)

case("an unknown ioctl on /dev/vpoll fails with EINVAL", function(vm)
	local fd = dkms.open(vm, "/dev/vpoll")
	assert_errno("EINVAL", vm:syscall("ioctl", fd, provium.IO("^", 9), 0))
	vm:syscall("close", fd)
end)
