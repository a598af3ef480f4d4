-- SPDX-License-Identifier: GPL-2.0-only
-- What a machine is when boot() returns, with no options.

local vm = provium.create("minimal"):boot()

test("the kernel is Linux, and the one that the profile names", function()
	local release = vm:exec("uname -r").stdout.trim()
	assert_eq(vm:read_file("/proc/sys/kernel/osrelease"), release .. "\n")
	assert_contains(vm:read_file("/proc/version"), "Linux version " .. release)
end)

test("commands run as root", function()
	assert_eq("0\n", vm:exec("id -u").stdout)
end)

test("proc, sysfs, devtmpfs and a writable /tmp are mounted", function()
	local mounts = vm:read_file("/proc/mounts")
	for _, want in ipairs { "proc /proc proc", "sysfs /sys sysfs", "devtmpfs /dev devtmpfs", "tmpfs /tmp tmpfs" } do
		assert_contains(mounts, want)
	end
end)

test("mount_vfs adds securityfs, debugfs and tracefs", function()
	vm:mount_vfs()
	local mounts = vm:read_file("/proc/mounts")
	assert_contains(mounts, "securityfs /sys/kernel/security securityfs")
	assert_contains(mounts, "debugfs /sys/kernel/debug debugfs")
	assert_contains(mounts, "tracefs /sys/kernel/tracing tracefs")
end)

test("mount_vfs twice changes nothing", function()
	local before = vm:read_file("/proc/mounts")
	vm:mount_vfs()
	assert_eq(before, vm:read_file("/proc/mounts"))
end)

test("there is one processor", function()
	local _, processors = vm:read_file("/proc/cpuinfo"):gsub("processor%s*:", "")
	assert_eq(1, processors)
end)

test("there are 512 MiB of memory, less what the kernel keeps", function()
	local kb = tonumber(vm:read_file("/proc/meminfo"):match("MemTotal:%s*(%d+) kB"))
	assert(kb > 440 << 10 and kb <= 512 << 10, "MemTotal is " .. kb .. " kB")
end)

test("the clock is the host's, give or take two seconds", function()
	local ret, ts = vm:syscall_bufs("clock_gettime", { [1] = provium.pack("x16") }, 0, 0)
	assert_eq(0, ret)
	local seconds = provium.unpack("i64", ts)
	assert(math.abs(seconds - os.time()) <= 2, ("guest %d, host %d"):format(seconds, os.time()))
end)

test("random numbers come without waiting", function()
	local GRND_NONBLOCK = 1
	local ret, bytes = vm:syscall_bufs("getrandom", { [0] = provium.pack("x32") }, 0, 32, GRND_NONBLOCK)
	assert_eq(32, ret)
	assert_ne(provium.pack("x32"), bytes)
end)

test("the loopback interface is up", function()
	assert_contains(vm:exec("ip link show lo || ifconfig lo").stdout, "UP")
end)

test("the first process is the agent, and it is not in the tests' way", function()
	assert_eq("agent\n", vm:read_file("/proc/1/comm"))
	assert_ne(1, vm:syscall("getpid"))
	assert_eq(1, vm:syscall("getppid"))
end)

test("the kernel had nothing to complain of", function()
	assert_eq("", vm:dmesg("WARNING: ") .. vm:dmesg("BUG: ") .. vm:dmesg("Oops"))
end)
