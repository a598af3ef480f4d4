-- SPDX-License-Identifier: GPL-2.0-only
-- vm:snapshot() and vm:restore(): a VM returns to a saved state, any number of
-- times.

local runner = require "runner"
local C = provium.const
local UUID = "/proc/sys/kernel/random/uuid"

local function open(vm, path, flags)
	return vm:syscall_buf("openat", 1, path .. "\0", C.AT_FDCWD, 0, flags, 420)
end

-- Checks what restore brings back, for a VM that was booted and for a clone.
local function goes_back(vm)
	local fd = open(vm, "/tmp/x", C.O_CREAT | C.O_RDWR)
	assert_eq(5, vm:syscall_buf("write", 1, "hello", fd, 0, 5))
	local snapshot = vm:snapshot()
	local seen = {}
	for round = 1, 3 do
		assert(vm:exec("rm /tmp/x; touch /tmp/y").ok)
		assert_eq(0, vm:syscall("close", fd))
		vm:restore(snapshot)
		assert_eq("hello", vm:read_file("/tmp/x"))
		assert_eq(false, vm:exec("test -e /tmp/y").ok)
		assert_eq(5, vm:syscall("lseek", fd, 0, C.SEEK_CUR))
		seen[round] = vm:read_file(UUID)
		assert(math.abs(tonumber(vm:exec("date +%s").stdout.value) - os.time()) <= 1)
	end
	assert_ne(seen[1], seen[2])
	assert_ne(seen[2], seen[3])
end

test("restore brings back files and descriptors of a booted VM, and sets its clock", function()
	local vm = provium.create():boot()
	goes_back(vm)
	vm:kill()
end)

test("restore brings back files and descriptors of a clone, and sets its clock", { fixture = provium.profile }, goes_back)

test("a VM goes on running after a snapshot", { fixture = provium.profile }, function(vm)
	local before = vm:syscall("getpid")
	vm:snapshot()
	assert_eq(before, vm:syscall("getpid"))
	assert_eq("on\n", vm:exec("echo on").stdout)
end)

test("several snapshots can be restored in any order", { fixture = provium.profile }, function(vm)
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

test("restore brings a VM back from a panic", { fixture = provium.profile, expect_panic = true }, function(vm)
	local snapshot = vm:snapshot()
	assert_error(function() vm:exec("echo c > /proc/sysrq-trigger") end, "panicked")
	vm:restore(snapshot)
	assert(vm:exec("true").ok)
end)

test("restore brings back the snapshot's workers, and ends workers spawned later", { fixture = provium.profile }, function(vm)
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

test("restore brings back the kernel log", { fixture = provium.profile }, function(vm)
	local snapshot = vm:snapshot()
	vm:exec("echo '<6>gone by then' >/dev/kmsg; echo >/dev/kmsg")
	assert_contains(vm:dmesg(), "gone by then")
	vm:restore(snapshot)
	assert_eq("", vm:dmesg("gone by then"))
	assert_contains(vm:dmesg("snapshot"), "saved as snapshot")
end)

test("a complaint made before a restore is still reported", { fixture = provium.profile,
		expect = "WARNING in fault_warn" }, function(vm)
	local snapshot = vm:snapshot()
	vm:insmod("faults")
	vm:exec("echo warn >/sys/module/faults/parameters/commit")
	vm:restore(snapshot)
	assert(vm:exec("true").ok)
end)

test("restore of another VM's snapshot is refused", { fixture = provium.profile }, function(vm)
	local other = provium.fixture(provium.profile)
	local snapshot = other:snapshot()
	assert_error(function() vm:restore(snapshot) end, "expected a snapshot of this VM, got one of another")
	assert_error(function() vm:restore("x") end, "expected a snapshot of this VM, got string")
	other:kill()
end)

-- Returns the number of descriptors and the resident KiB of the process that
-- runs this file.
local function process_size()
	collectgarbage()
	collectgarbage()
	local pid = io.open("/proc/self/stat"):read("n")
	local _, nr_fds = runner.shell(("ls /proc/%d/fd"):format(pid)):gsub("%f[^\n\0]%d", "")
	return nr_fds, tonumber(io.open("/proc/self/status"):read("a"):match("VmRSS:%s*(%d+)"))
end

test("many snapshots and restores leave no descriptors and no memory in use", { fixture = "minimal" }, function(vm)
	local function round()
		local snapshot = vm:snapshot()
		vm:restore(snapshot)
	end
	round()
	local fds_before, kib_before = process_size()
	for _ = 1, tonumber(os.getenv("SNAPSHOTS") or 5) do round() end
	local fds, kib = process_size()
	log(fds_before, fds, kib_before, kib)
	assert(fds <= fds_before, fds)
	assert(kib < kib_before + 8192, kib)
	assert(vm:exec("true").ok)
end)

test("a snapshot of a VM that is not booted is refused", function()
	assert_error(function() provium.create():snapshot() end, "not booted")
end)

test("a snapshot while a call is in flight is refused", { fixture = provium.profile }, function(vm)
	local call = vm:async("exec", "sleep 0.3")
	assert_error(function() vm:snapshot() end, "exec is still in flight")
	call:wait()
	vm:snapshot()
end)

test("a snapshot of a VM that writes to a disk image directly is refused", function()
	local path = os.tmpname()
	local file = assert(io.open(path, "wb"))
	file:write(("\0"):rep(1 << 20))
	file:close()
	local vm = provium.create():boot { disks = { { path = path } } }
	assert_error(function() vm:snapshot() end, "disk .*: the guest writes to the image file itself, which a restore cannot undo; ")
	vm:kill()
	os.remove(path)
end)
