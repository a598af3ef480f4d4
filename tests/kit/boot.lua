-- SPDX-License-Identifier: GPL-2.0-only
-- The state of a guest when boot() without options returns.

local runner = require "runner"

local C = provium.const
local vm = provium.create():boot()

test("uname -r is the release of the kernel that was booted", function()
	local release = vm:exec("uname -r").stdout.trim()
	assert_eq(vm:read_file("/proc/sys/kernel/osrelease"), release .. "\n")
	assert_contains(vm:read_file("/proc/version"), "Linux version " .. release)
end)

-- Finds the configuration by $PROFILE itself and not through the runner,
-- because the runner may have booted another kernel than it says.
test("the guest's kernel has the configuration that was built for $PROFILE", function()
	local profile = os.getenv "PROFILE" or ""
	if profile == "" then profile = "minimal" end
	local built = runner.shell(("cat %s/kernel/*/%s/.config 2>/dev/null"):format(runner.quote(runner.home), runner.quote(profile)))
	if built == "" then skip("no out/kernel/*/" .. profile .. "/.config: the kernel was not built here") end
	local config = vm:exec "zcat /proc/config.gz".stdout.trim()
	assert(config:find "CONFIG_IKCONFIG_PROC=y", config)
	assert(built:find(config, 1, true), "no out/kernel/*/" .. profile .. "/.config equals the guest's /proc/config.gz")
end)

test("a command runs as root", function()
	assert_eq("0\n", vm:exec("id -u").stdout)
end)

test("boot() mounts proc, sysfs, devtmpfs and a writable /tmp", function()
	local mounts = vm:read_file("/proc/mounts")
	for _, want in ipairs { "proc /proc proc", "sysfs /sys sysfs", "devtmpfs /dev devtmpfs", "tmpfs /tmp tmpfs" } do
		assert_contains(mounts, want)
	end
end)

test("mount_vfs mounts securityfs, debugfs and tracefs", function()
	vm:mount_vfs()
	local mounts = vm:read_file("/proc/mounts")
	assert_contains(mounts, "securityfs /sys/kernel/security securityfs")
	assert_contains(mounts, "debugfs /sys/kernel/debug debugfs")
	assert_contains(mounts, "tracefs /sys/kernel/tracing tracefs")
end)

test("mount_vfs mounts cgroup2 and devpts again where they are missing", function()
	assert(vm:exec("umount /sys/fs/cgroup /dev/pts").ok)
	vm:mount_vfs()
	local mounts = vm:read_file("/proc/mounts")
	assert_contains(mounts, "cgroup2 /sys/fs/cgroup cgroup2")
	assert_contains(mounts, "devpts /dev/pts devpts")
end)

test("a second mount_vfs changes nothing", function()
	vm:mount_vfs()
	local before = vm:read_file("/proc/mounts")
	vm:mount_vfs()
	assert_eq(before, vm:read_file("/proc/mounts"))
end)

test("a VM without options has one processor", function()
	local _, processors = vm:read_file("/proc/cpuinfo"):gsub("processor%s*:", "")
	assert_eq(1, processors)
end)

test("a VM without options has 512 MiB of memory, less what the kernel keeps", function()
	local kb = tonumber(vm:read_file("/proc/meminfo"):match("MemTotal:%s*(%d+) kB"))
	-- The kernel keeps 40 MiB, and with KASAN 110.
	assert(kb > 384 << 10 and kb <= 512 << 10, "MemTotal is " .. kb .. " kB")
end)

test("the guest's clock is within two seconds of the host's", function()
	local before = os.time()
	local ret, ts = vm:syscall_bufs("clock_gettime", { [1] = provium.pack("x16") }, C.CLOCK_REALTIME, 0)
	assert_eq(0, ret)
	local seconds, after = provium.unpack("i64", ts), os.time()
	assert(before - 2 <= seconds and seconds <= after + 2, ("guest %d, host %d to %d"):format(seconds, before, after))
end)

test("getrandom does not block after boot", function()
	local ret, bytes = vm:syscall_bufs("getrandom", { [0] = provium.pack("x32") }, 0, 32, C.GRND_NONBLOCK)
	assert_eq(32, ret)
	assert_ne(provium.pack("x32"), bytes)
end)

test("the loopback interface is up after boot", function()
	assert_contains(vm:exec("ip link show lo || ifconfig lo").stdout, "UP")
end)

test("process 1 is the agent, and calls are made in a child of it", function()
	assert_eq("agent\n", vm:read_file("/proc/1/comm"))
	assert_ne(1, vm:syscall("getpid"))
	assert_eq(1, vm:syscall("getppid"))
end)

test("a boot of the profile causes no kernel complaint", function()
	assert_eq("", vm:dmesg("WARNING: ") .. vm:dmesg("BUG: ") .. vm:dmesg("Oops"))
end)
