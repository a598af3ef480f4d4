-- SPDX-License-Identifier: GPL-2.0-only
-- Namespaces, control groups, seccomp, mounts: what keeps processes apart.

local linux = require "linux"
local pack = provium.pack

local vm = provium.create("minimal"):boot()

-- Ends the executor: the next one has none of what this one gave up or was put in.
local function start_afresh()
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
end

test("the kernel has every namespace", function()
	local names = vm:exec("ls /proc/self/ns").stdout
	for _, name in ipairs { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" } do
		assert_contains(names, name)
	end
end)

test("unshare: a host name of one's own", function()
	local before = vm:exec("hostname").stdout.value
	assert_eq(0, vm:syscall("unshare", linux.CLONE_NEWUTS))
	assert_eq(0, vm:syscall_buf("sethostname", 0, "inside", 0, 6))
	assert_eq("inside\n", vm:exec("hostname").stdout)
	start_afresh()
	assert_eq(before, vm:exec("hostname").stdout)
end)

test("unshare: mounts of one's own", function()
	assert_eq(0, vm:syscall("unshare", linux.CLONE_NEWNS))
	assert(vm:exec("mount -t tmpfs mine /mnt && touch /mnt/here").ok)
	assert(vm:exec("test -e /mnt/here").ok)
	start_afresh()
	assert(not vm:exec("test -e /mnt/here").ok)
end)

test("unshare: a user namespace, in which one is nobody", function()
	assert_eq(0, vm:syscall("unshare", linux.CLONE_NEWUSER))
	assert_eq(65534, vm:syscall("getuid"))
	start_afresh()
	assert_eq(0, vm:syscall("getuid"))
end)

test("unshare: unknown flags are EINVAL", function()
	assert_errno("EINVAL", vm:syscall("unshare", 1))
end)

test("unshare: a namespace of process numbers begins at 1", function()
	assert_eq("1\n", vm:exec("unshare -p -f sh -c 'echo $$'").stdout)
end)

test("unshare: a network namespace has no way out", function()
	local devices = vm:exec("unshare -n ls /sys/class/net; unshare -n ping -c 1 -W 1 127.0.0.1")
	assert_eq(false, devices.ok)
end)

test("setns: what is no namespace is EINVAL", function()
	local fd = vm:syscall_buf("openat", 1, "/proc/version\0", linux.AT_FDCWD, 0, linux.O_RDONLY)
	assert_errno("EINVAL", vm:syscall("setns", fd, 0))
	vm:syscall("close", fd)
end)

-- --- control groups ---

test("cgroup2 has the usual controllers", function()
	assert(vm:exec("mount -t cgroup2 none /sys/fs/cgroup").ok)
	local controllers = vm:read_file("/sys/fs/cgroup/cgroup.controllers")
	for _, name in ipairs { "cpu", "memory", "pids", "cpuset" } do assert_contains(controllers, name) end
end)

test("pids.max: one process more is EAGAIN", function()
	vm:write_file("/sys/fs/cgroup/cgroup.subtree_control", "+pids")
	assert(vm:exec("mkdir /sys/fs/cgroup/few").ok)
	vm:write_file("/sys/fs/cgroup/few/pids.max", "1")
	vm:write_file("/sys/fs/cgroup/few/cgroup.procs", tostring(vm:syscall("getpid")))
	assert_errno("EAGAIN", vm:syscall("fork"))
	assert_error(function() vm:exec("true") end, "exec \"true\": /bin/sh: EAGAIN")
	start_afresh()
	assert(vm:exec("rmdir /sys/fs/cgroup/few").ok)
end)

-- --- seccomp ---

local function filter(...) return pack("u16 u8 u8 u32", ...) end

local function refuse(name, errno)
	local program = filter(0x20, 0, 0, 0) ..			-- the number
		filter(0x15, 0, 1, provium.nr[name]) ..			-- is it this one?
		filter(0x06, 0, 0, 0x50000 | provium.errno[errno]) ..	-- SECCOMP_RET_ERRNO
		filter(0x06, 0, 0, 0x7fff0000)				-- SECCOMP_RET_ALLOW
	local PR_SET_SECCOMP, FILTER = 22, 2
	return (vm:syscall_ptr("prctl", { [2] = pack("u16 x14", #program // 8) },
		{ { buf_idx = 2, ptr_offset = 8, data_len = #program, data = program } }, PR_SET_SECCOMP, FILTER, 0))
end

test("seccomp: a filter refuses one call with the errno it names", function()
	assert_eq(0, vm:syscall("prctl", linux.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	assert_eq(0, refuse("getppid", "EXDEV"))
	assert_errno("EXDEV", vm:syscall("getppid"))
	assert(vm:syscall("getpid") > 0)
	start_afresh()
	assert_eq(1, vm:syscall("getppid"))
end)

test("seccomp: commands inherit it", function()
	assert_eq(0, refuse("mkdir", "EDQUOT"))
	assert_contains(vm:exec("mkdir /tmp/refused").stderr, "Disk quota exceeded")
	start_afresh()
	assert(vm:exec("mkdir /tmp/allowed").ok)
end)

test("seccomp: without privilege, and with privilege to gain, EACCES", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_errno("EACCES", refuse("getppid", "EPERM"))
	start_afresh()
end)

-- --- mounts ---

local function mount(source, target, kind, flags)
	return (vm:syscall_bufs("mount", { [0] = source .. "\0", [1] = target .. "\0", [2] = kind .. "\0" }, 0, 0, 0, flags or 0, 0))
end

test("mount and umount2: a tmpfs", function()
	assert_eq(0, mount("none", "/mnt", "tmpfs"))
	vm:write_file("/mnt/file", "x")
	assert_eq(0, vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
	assert_error(function() vm:read_file("/mnt/file") end, "ENOENT")
end)

test("mount: a file system that this kernel does not have is ENODEV", function()
	assert_errno("ENODEV", mount("none", "/mnt", "nonesuchfs"))
end)

test("mount: no such folder is ENOENT", function()
	assert_errno("ENOENT", mount("none", "/no/such/folder", "tmpfs"))
end)

test("umount2: what is no mount point is EINVAL, what is in use EBUSY", function()
	assert_errno("EINVAL", vm:syscall_buf("umount2", 0, "/etc\0", 0, 0))
	assert_eq(0, mount("none", "/mnt", "tmpfs"))
	vm:write_file("/mnt/open", "")
	local fd = vm:syscall_buf("openat", 1, "/mnt/open\0", linux.AT_FDCWD, 0, linux.O_RDONLY)
	assert_errno("EBUSY", vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
	vm:syscall("close", fd)
	assert_eq(0, vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
end)

test("mount needs privilege: EPERM", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_errno("EPERM", mount("none", "/mnt", "tmpfs"))
	start_afresh()
end)

test("overlay: what is written goes to the upper layer", function()
	vm:exec("mkdir -p /tmp/l /tmp/u /tmp/w /tmp/m && echo lower >/tmp/l/file")
	assert(vm:exec("mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w none /tmp/m").ok)
	assert_eq("lower\n", vm:read_file("/tmp/m/file"))
	vm:write_file("/tmp/m/file", "upper\n")
	assert_eq({ "lower\n", "upper\n" }, { vm:read_file("/tmp/l/file"), vm:read_file("/tmp/u/file") })
	assert(vm:exec("umount /tmp/m").ok)
end)
