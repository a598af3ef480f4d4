-- SPDX-License-Identifier: GPL-2.0-only
-- vm:snapshot() and vm:restore(): back to a state, as often as wanted.

local linux = require "linux"
local UUID = "/proc/sys/kernel/random/uuid"

local function open(vm, path, flags)
	return vm:syscall_buf("openat", 1, path .. "\0", linux.AT_FDCWD, 0, flags, 420)
end

-- The same for a machine that was booted and for a clone.
local function goes_back(vm)
	local O_CREAT_RDWR = 66
	local fd = open(vm, "/tmp/x", O_CREAT_RDWR)
	assert_eq(5, vm:syscall_buf("write", 1, "hello", fd, 0, 5))
	local snapshot = vm:snapshot()
	local seen = {}
	for round = 1, 3 do
		assert(vm:exec("rm /tmp/x; touch /tmp/y").ok)
		assert_eq(0, vm:syscall("close", fd))
		vm:restore(snapshot)
		assert_eq("hello", vm:read_file("/tmp/x"))
		assert_eq(false, vm:exec("test -e /tmp/y").ok)
		assert_eq(5, vm:syscall("lseek", fd, 0, 1))
		seen[round] = vm:read_file(UUID)
		assert(math.abs(tonumber(vm:exec("date +%s").stdout.value) - os.time()) <= 1)
	end
	assert_ne(seen[1], seen[2])
	assert_ne(seen[2], seen[3])
end

test("a booted machine goes back: files, descriptors; with the right time", function()
	local vm = provium.create("minimal"):boot()
	goes_back(vm)
	vm:kill()
end)

test("a clone goes back", { fixture = "minimal" }, goes_back)

test("it goes on after a snapshot", { fixture = "minimal" }, function(vm)
	local before = vm:syscall("getpid")
	vm:snapshot()
	assert_eq(before, vm:syscall("getpid"))
	assert_eq("on\n", vm:exec("echo on").stdout)
end)

test("several snapshots, in any order", { fixture = "minimal" }, function(vm)
	local snapshots = {}
	for i = 1, 3 do
		vm:write_file("/tmp/n", tostring(i))
		snapshots[i] = vm:snapshot()
	end
	for _, i in ipairs { 2, 3, 1, 3 } do
		vm:restore(snapshots[i])
		assert_eq(tostring(i), vm:read_file("/tmp/n"))
	end
end)

test("back from a panic", { fixture = "minimal" }, function(vm)
	local snapshot = vm:snapshot()
	assert_error(function() vm:exec("echo c > /proc/sysrq-trigger") end, "panicked")
	vm:restore(snapshot)
	assert(vm:exec("true").ok)
end)

test("a worker that was there is there again; one that came later is not", { fixture = "minimal" }, function(vm)
	local worker = vm:spawn()
	local pid = worker:syscall("getpid")
	local snapshot = vm:snapshot()
	local later = vm:spawn()
	assert(later:syscall("getpid") > 0)
	vm:restore(snapshot)
	assert_eq(pid, worker:syscall("getpid"))
	assert_error(function() later:syscall("getpid") end)
	worker:kill()
end)

test("the kernel log goes back, too", { fixture = "minimal" }, function(vm)
	local snapshot = vm:snapshot()
	vm:exec("echo '<6>gone by then' >/dev/kmsg; echo >/dev/kmsg")
	assert_contains(vm:dmesg(), "gone by then")
	vm:restore(snapshot)
	assert_eq("", vm:dmesg("gone by then"))
	assert_contains(vm:dmesg("snapshot"), "saved as snapshot")
end)

test("what the kernel complained of before it went back still counts", { fixture = "minimal",
		expect = "WARNING: before" }, function(vm)
	local snapshot = vm:snapshot()
	vm:exec("echo '<4>WARNING: before' >/dev/kmsg; echo >/dev/kmsg")
	vm:restore(snapshot)
	assert(vm:exec("true").ok)
end)

test("a snapshot of another machine is refused", { fixture = "minimal" }, function(vm)
	local other = provium.fixture("minimal")
	local snapshot = other:snapshot()
	assert_error(function() vm:restore(snapshot) end, "expected a snapshot of this VM, got one of another")
	assert_error(function() vm:restore("x") end, "expected a snapshot of this VM, got string")
	other:kill()
end)

test("no snapshot of what is not running", function()
	assert_error(function() provium.create("minimal"):snapshot() end, "not booted")
end)

test("no snapshot while a call is in flight", { fixture = "minimal" }, function(vm)
	local call = vm:async("exec", "sleep 0.3")
	assert_error(function() vm:snapshot() end, "exec is still in flight")
	call:wait()
	vm:snapshot()
end)

test("a disk that is written directly: refused, with what to do", function()
	local path = os.tmpname()
	local file = assert(io.open(path, "wb"))
	file:write(("\0"):rep(1 << 20))
	file:close()
	local vm = provium.create("minimal"):boot { disks = { { path = path } } }
	assert_error(function() vm:snapshot() end, "is written directly, and nothing brings it back")
	vm:kill()
	os.remove(path)
end)
