-- SPDX-License-Identifier: GPL-2.0-only
-- Namespaces, control groups, seccomp and mounts of the kernel.

local C = provium.const
local pack = provium.pack

local vm = provium.create():boot()

-- Ends the executor, so that the next one has its own namespaces, filters and
-- credentials.
local function start_afresh()
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
end

test("the kernel has every kind of namespace", function()
	local names = vm:exec("ls /proc/self/ns").stdout
	for _, name in ipairs { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts" } do
		assert_contains(names, name)
	end
end)

test("unshare(CLONE_NEWUTS) gives the executor a host name of its own", function()
	local before = vm:exec("hostname").stdout.value
	assert_eq(0, vm:syscall("unshare", C.CLONE_NEWUTS))
	assert_eq(0, vm:syscall_buf("sethostname", 0, "inside", 0, 6))
	assert_eq("inside\n", vm:exec("hostname").stdout)
	start_afresh()
	assert_eq(before, vm:exec("hostname").stdout)
end)

test("unshare(CLONE_NEWNS) gives the executor mounts of its own", function()
	assert_eq(0, vm:syscall("unshare", C.CLONE_NEWNS))
	assert(vm:exec("mount -t tmpfs mine /mnt && touch /mnt/here").ok)
	assert(vm:exec("test -e /mnt/here").ok)
	start_afresh()
	assert(not vm:exec("test -e /mnt/here").ok)
end)

test("unshare(CLONE_NEWUSER) makes the executor's uid the overflow uid", function()
	assert_eq(0, vm:syscall("unshare", C.CLONE_NEWUSER))
	assert_eq(65534, vm:syscall("getuid"))
	start_afresh()
	assert_eq(0, vm:syscall("getuid"))
end)

test("unshare of an unknown flag returns EINVAL", function()
	assert_errno("EINVAL", vm:syscall("unshare", 1))
end)

test("the first process of a PID namespace has pid 1", function()
	assert_eq("1\n", vm:exec("unshare -p -f sh -c 'echo $$'").stdout)
end)

test("the loopback address cannot be reached in a new network namespace", function()
	local devices = vm:exec("unshare -n ls /sys/class/net; unshare -n ping -c 1 -W 1 127.0.0.1")
	assert_eq(false, devices.ok)
end)

test("setns of a file that is no namespace returns EINVAL", function()
	local fd = vm:syscall_buf("openat", 1, "/proc/version\0", C.AT_FDCWD, 0, C.O_RDONLY)
	assert_errno("EINVAL", vm:syscall("setns", fd, 0))
	vm:syscall("close", fd)
end)

-- --- control groups ---

test("cgroup2 is mounted after boot, with the usual controllers", function()
	local controllers = vm:read_file("/sys/fs/cgroup/cgroup.controllers")
	for _, name in ipairs { "cpu", "memory", "pids", "cpuset" } do assert_contains(controllers, name) end
end)

test("fork beyond a control group's pids.max returns EAGAIN", function()
	vm:write_file("/sys/fs/cgroup/cgroup.subtree_control", "+pids")
	assert(vm:exec("mkdir /sys/fs/cgroup/few").ok)
	vm:write_file("/sys/fs/cgroup/few/pids.max", "1")
	vm:write_file("/sys/fs/cgroup/few/cgroup.procs", tostring(vm:syscall("getpid")))
	assert_errno("EAGAIN", vm:syscall("fork"))
	assert_error(function() vm:exec("true") end, "exec \"true\": /bin/sh: EAGAIN")
	start_afresh()
	assert(vm:exec("rmdir /sys/fs/cgroup/few").ok)
	vm:write_file("/sys/fs/cgroup/cgroup.subtree_control", "-pids")
end)

-- --- seccomp ---

local function filter(...) return pack("u16 u8 u8 u32", ...) end

-- Installs a seccomp filter that makes the system call `name` return this
-- errno.
local function refuse(name, errno)
	local program = filter(C.BPF_LD | C.BPF_W | C.BPF_ABS, 0, 0, 0) ..	-- loads the number of the call
		filter(C.BPF_JMP | C.BPF_JEQ | C.BPF_K, 0, 1, provium.nr[name]) ..
		filter(C.BPF_RET | C.BPF_K, 0, 0, C.SECCOMP_RET_ERRNO | provium.errno[errno]) ..
		filter(C.BPF_RET | C.BPF_K, 0, 0, C.SECCOMP_RET_ALLOW)
	return (vm:syscall_ptr("prctl", { [2] = pack("u16 x14", #program // 8) }, {
			{ buf_idx = 2, ptr_offset = 8, data_len = #program, data = program },
		}, C.PR_SET_SECCOMP, C.SECCOMP_MODE_FILTER, 0))
end

test("a seccomp filter makes one system call return the errno that it names", function()
	assert_eq(0, vm:syscall("prctl", C.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
	assert_eq(0, refuse("getppid", "EXDEV"))
	assert_errno("EXDEV", vm:syscall("getppid"))
	assert(vm:syscall("getpid") > 0)
	start_afresh()
	assert_eq(1, vm:syscall("getppid"))
end)

test("a seccomp filter applies to commands, too", function()
	assert_eq(0, refuse("mkdir", "EDQUOT"))
	assert_contains(vm:exec("mkdir /tmp/refused").stderr, "Disk quota exceeded")
	start_afresh()
	assert(vm:exec("mkdir /tmp/allowed").ok)
end)

test("a seccomp filter without privilege and without no_new_privs returns EACCES", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_errno("EACCES", refuse("getppid", "EPERM"))
	start_afresh()
end)

-- --- mounts ---

local function mount(source, target, kind, flags)
	local bufs = { [0] = source .. "\0", [1] = target .. "\0", [2] = kind .. "\0" }
	return (vm:syscall_bufs("mount", bufs, 0, 0, 0, flags or 0, 0))
end

test("mount of a tmpfs and umount2 return 0", function()
	assert_eq(0, mount("none", "/mnt", "tmpfs"))
	vm:write_file("/mnt/file", "x")
	assert_eq(0, vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
	assert_error(function() vm:read_file("/mnt/file") end, "ENOENT")
end)

test("mount of an unknown file system returns ENODEV", function()
	assert_errno("ENODEV", mount("none", "/mnt", "nonesuchfs"))
end)

test("mount on a missing folder returns ENOENT", function()
	assert_errno("ENOENT", mount("none", "/no/such/folder", "tmpfs"))
end)

test("umount2 returns EINVAL for no mount point, and EBUSY for a mount in use", function()
	assert_errno("EINVAL", vm:syscall_buf("umount2", 0, "/etc\0", 0, 0))
	assert_eq(0, mount("none", "/mnt", "tmpfs"))
	vm:write_file("/mnt/open", "")
	local fd = vm:syscall_buf("openat", 1, "/mnt/open\0", C.AT_FDCWD, 0, C.O_RDONLY)
	assert_errno("EBUSY", vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
	vm:syscall("close", fd)
	assert_eq(0, vm:syscall_buf("umount2", 0, "/mnt\0", 0, 0))
end)

test("mount without privilege returns EPERM", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_errno("EPERM", mount("none", "/mnt", "tmpfs"))
	start_afresh()
end)

test("a write to an overlay goes to the upper layer", function()
	vm:exec("mkdir -p /tmp/l /tmp/u /tmp/w /tmp/m && echo lower >/tmp/l/file")
	assert(vm:exec("mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w none /tmp/m").ok)
	assert_eq("lower\n", vm:read_file("/tmp/m/file"))
	vm:write_file("/tmp/m/file", "upper\n")
	assert_eq({ "lower\n", "upper\n" }, { vm:read_file("/tmp/l/file"), vm:read_file("/tmp/u/file") })
	assert(vm:exec("umount /tmp/m").ok)
end)
