-- SPDX-License-Identifier: GPL-2.0-only
-- Workers: many processes and threads in one guest, each with its own calls.

local with_workers = require "with_workers"
local C = provium.const
local pack, unpack = provium.pack, provium.unpack

-- A kernel with debugging needs more memory for each of a thousand processes.
local vm = provium.create():boot { cpus = 2, memory = "1536M" }

local function with(kinds, fn) with_workers(vm, kinds, fn) end

local function open(target, path, flags)
	return target:syscall_buf("openat", 1, path .. "\0", C.AT_FDCWD, 0, flags or C.O_RDONLY, 0)
end

-- --- a worker's process and methods ---

test("a worker is a process and a session of its own", function()
	with({ {} }, function(w)
		assert_eq(w.pid, w:syscall("getpid"))
		assert_eq(w.pid, w:syscall("gettid"))
		assert_eq(w.pid, w.tid)
		assert_ne(vm:syscall("getpid"), w.pid)
		assert_eq(1, w:syscall("getppid"))
		assert_eq(w.pid, w:syscall("getsid", 0))
	end)
end)

test("a thread worker has the executor's pid and its own tid", function()
	with({ { thread = true } }, function(t)
		assert_eq(vm:syscall("getpid"), t:syscall("getpid"))
		assert_eq(t.tid, t:syscall("gettid"))
		assert_ne(t.pid, t.tid)
	end)
end)

test("a VM's methods on a worker are carried out by the worker's process", function()
	with({ {} }, function(w)
		w:write_file("/tmp/by-worker", "x\n")
		assert_eq("x\n", w:read_file("/tmp/by-worker"))
		assert_eq("x\n", w:exec("cat /tmp/by-worker").stdout)
		assert_eq({ a = 1 }, w:json("echo '{\"a\": 1}'"))
		assert_contains(w:dmesg(), "Linux version")
		assert(w:wait_until(function() return true end))
		assert_eq(w.pid, tonumber(w:exec("echo $PPID").stdout.trim()))
	end)
end)

test("a worker has no methods boot, shutdown and spawn", function()
	with({ {} }, function(w)
		for _, method in ipairs { "boot", "shutdown", "spawn" } do
			assert_error(function() w[method](w) end, method .. ": worker %d+ has no " .. method .. "%(%); call it on the VM")
		end
	end)
end)

-- --- descriptors and memory ---

test("a worker has its own copy of the executor's descriptors, with shared positions", function()
	local fd = open(vm, "/proc/version")
	assert_eq(3, fd)
	with({ {} }, function(w)
		assert_eq(5, (w:syscall_bufs("read", { [1] = ("\0"):rep(5) }, fd, 0, 5)))
		-- The open file is shared, and with it the position.
		assert_eq(5, vm:syscall("lseek", fd, 0, C.SEEK_CUR))
		-- The table of descriptors is not shared.
		assert_eq(0, w:syscall("close", fd))
		assert_eq(0, vm:syscall("fcntl", fd, C.F_GETFD))
		assert_errno("EBADF", w:syscall("fcntl", fd, C.F_GETFD))
	end)
	assert_eq(0, vm:syscall("close", fd))
end)

test("a thread worker and the executor share one table of descriptors", function()
	with({ { thread = true } }, function(t)
		local fd = open(t, "/proc/version")
		assert(fd >= 3)
		assert_eq(0, vm:syscall("fcntl", fd, C.F_GETFD))
		assert_eq(0, vm:syscall("close", fd))
		assert_errno("EBADF", t:syscall("fcntl", fd, C.F_GETFD))
	end)
end)

test("thread workers share the executor's memory, a process worker does not", function()
	local at = vm:syscall("mmap", 0, 4096, C.PROT_READ | C.PROT_WRITE, C.MAP_PRIVATE | C.MAP_ANONYMOUS, -1, 0)
	assert(at > 0)
	local function put(target, v)	-- writes v to that address, by means of a pipe
		local _, pipe = target:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
		local r, w = unpack("u32 u32", pipe)
		target:syscall_buf("write", 1, pack("u64", v), w, 0, 8)
		assert_eq(8, target:syscall("read", r, at, 8))
		target:syscall("close", r)
		target:syscall("close", w)
	end
	local function get(target)
		local _, pipe = target:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
		local r, w = unpack("u32 u32", pipe)
		assert_eq(8, target:syscall("write", w, at, 8))
		local _, data = target:syscall_bufs("read", { [1] = ("\0"):rep(8) }, r, 0, 8)
		target:syscall("close", r)
		target:syscall("close", w)
		return (unpack("u64", data))
	end
	put(vm, 7)
	with({ { thread = true }, { thread = true }, {} }, function(a, b, process)
		put(a, 42)
		assert_eq(42, get(b))
		assert_eq(42, get(vm))
		assert_eq(7, get(process))
		put(process, 9)
		assert_eq(42, get(vm))
	end)
	assert_eq(0, vm:syscall("munmap", at, 4096))
end)

test("buffers of workers and thread workers are guarded", function()
	with({ {}, { thread = true } }, function(w, t)
		for _, target in ipairs { w, t } do
			local fd = open(target, "/dev/zero")
			assert_errno("EFAULT", target:syscall("read", fd, 8, 8))
			local ret, data = target:syscall_bufs("read", { [1] = ("x"):rep(100000) }, fd, 0, 100000)
			assert_eq(100000, ret)
			assert_eq(("\0"):rep(100000), data)
			target:syscall("close", fd)
		end
	end)
end)

-- --- isolation of workers from each other ---

test("chroot and chdir of a thread worker do not change the executor's", function()
	vm:exec("mkdir -p /tmp/jail/inside")
	with({ { thread = true } }, function(t)
		assert_eq(0, t:syscall_buf("chroot", 0, "/tmp/jail\0", 0))
		assert_eq(0, t:syscall_buf("chdir", 0, "/inside\0", 0))
		assert_errno("ENOENT", open(t, "/proc/version"))
		local fd = open(vm, "/proc/version")
		assert(fd >= 3)
		vm:syscall("close", fd)
		assert_eq("/\n", vm:exec("pwd").stdout)
	end)
end)

test("unshare(CLONE_NEWUTS) of a worker does not change the executor's host name", function()
	local before = vm:exec("hostname").stdout.value
	with({ {}, { thread = true } }, function(w, t)
		for _, target in ipairs { w, t } do
			assert_eq(0, target:syscall("unshare", C.CLONE_NEWUTS))
			assert_eq(0, target:syscall_buf("sethostname", 0, "inside", 0, 6))
			assert_eq("inside\n", target:exec("hostname").stdout)
			assert_eq(before, vm:exec("hostname").stdout)
		end
	end)
end)

test("unshare(CLONE_NEWUSER) of a worker leaves the executor root", function()
	with({ {} }, function(w)
		assert_eq(0, w:syscall("unshare", C.CLONE_NEWUSER))
		assert_eq(65534, w:syscall("getuid"))
		assert_eq(0, vm:syscall("getuid"))
	end)
end)

test("a thread worker that unshares the descriptor table has descriptors of its own", function()
	with({ { thread = true } }, function(t)
		assert_eq(0, t:syscall("unshare", C.CLONE_FILES))
		local fd = open(t, "/proc/version")
		assert_errno("EBADF", vm:syscall("fcntl", fd, C.F_GETFD))
	end)
end)

test("a seccomp filter of one thread worker does not apply to others", function()
	-- struct sock_filter: code, jt, jf, k. getuid returns EPERM, other
	-- calls are allowed.
	local program = pack("u16 u8 u8 u32  u16 u8 u8 u32  u16 u8 u8 u32  u16 u8 u8 u32",
		C.BPF_LD | C.BPF_W | C.BPF_ABS, 0, 0, 0,  C.BPF_JMP | C.BPF_JEQ | C.BPF_K, 0, 1, provium.nr.getuid,
		C.BPF_RET | C.BPF_K, 0, 0, C.SECCOMP_RET_ERRNO | 1,  C.BPF_RET | C.BPF_K, 0, 0, C.SECCOMP_RET_ALLOW)
	with({ { thread = true, no_new_privs = true }, { thread = true } }, function(t, other)
		local ret = t:syscall_ptr("seccomp", { [2] = pack("u16 x6 u64", 4, 0) },
			{ { buf_idx = 2, ptr_offset = 8, data_len = #program, data = program } },
			C.SECCOMP_SET_MODE_FILTER, 0, 0)
		assert_eq(0, ret)
		assert_errno("EPERM", t:syscall("getuid"))
		assert_eq(0, other:syscall("getuid"))
		assert_eq(0, vm:syscall("getuid"))
	end)
end)

-- --- how workers end ---

test("kill ends a worker's process, and later calls raise an error", function()
	local w = vm:spawn()
	w:kill()
	assert_errno("ESRCH", vm:syscall("kill", w.pid, 0))
	assert_error(function() w:syscall("getpid") end, "syscall getpid on worker %d+: the worker was killed")
	assert_error(function() w:exec("true") end, "the worker was killed")
	assert_error(function() w:async("exec", "true") end, "the worker was killed")
	w:kill()
end)

test("kill of a thread worker ends that thread only", function()
	local pid = vm:syscall("getpid")
	local t, other = vm:spawn { thread = true }, vm:spawn { thread = true }
	t:kill()
	assert_errno("ESRCH", vm:syscall("tgkill", pid, t.tid, 0))
	assert_eq(other.tid, other:syscall("gettid"))
	assert_eq(pid, vm:syscall("getpid"))
	other:kill()
end)

test("kill of a worker makes its call in flight raise an error", function()
	for _, opts in ipairs { {}, { thread = true } } do
		local w = vm:spawn(opts)
		local call = w:async("syscall", "pause")
		w:kill()
		assert_error(function() call:wait() end, opts.thread and "ended during syscall" or "was killed by signal 9")
	end
	assert(vm:exec("true").ok)
end)

test("a worker that exits is not replaced, and later calls raise its exit status", function()
	local w = vm:spawn()
	assert_error(function() w:syscall("exit_group", 3) end, "worker %d+ %(pid %d+%) exited with status 3 during syscall")
	for _ = 1, 2 do
		assert_error(function() w:syscall("getpid") end, "exited with status 3 before this syscall.*spawn another")
	end
	w:kill()
end)

test("exit of a thread worker ends that thread only", function()
	local pid, t = vm:syscall("getpid"), vm:spawn { thread = true }
	local err = assert_error(function() t:syscall("exit", 0) end)
	assert_contains(err.message, ("worker %d (a thread of pid %d) ended during syscall"):format(t.channel - 1, pid))
	assert_error(function() t:syscall("getpid") end, "spawn another")
	assert_eq(pid, vm:syscall("getpid"))
	t:kill()
end)

test("exit_group of a thread worker ends the executor and its threads only", function()
	local pid = vm:syscall("getpid")
	with({ { thread = true }, { thread = true }, {} }, function(t, other, w)
		assert_error(function() t:syscall("exit_group", 3) end, "a thread of pid " .. pid)
		assert_error(function() other:syscall("getpid") end, "a thread of pid " .. pid)
		assert_error(function() vm:syscall("getpid") end, "the executor %(pid " .. pid .. "%) exited with status 3")
		assert_eq(w.pid, w:syscall("getpid"))
		assert_ne(pid, vm:syscall("getpid"))
	end)
end)

test("a worker that kills another worker and the executor works on", function()
	local pid = vm:syscall("getpid")
	with({ {}, {}, {} }, function(a, b, c)
		assert_eq(0, a:syscall("kill", b.pid, C.SIGKILL))
		assert_error(function() b:syscall("getpid") end, "was killed by signal 9")
		assert_eq(0, a:syscall("kill", pid, C.SIGKILL))
		assert_error(function() vm:syscall("getpid") end, "was killed by signal 9")
		assert_eq(c.pid, c:syscall("getpid"))
		assert_eq(a.pid, a:syscall("getpid"))
		assert_ne(pid, vm:syscall("getpid"))
	end)
end)

test("kill(-1) by a worker ends all processes but the supervisor and the worker", function()
	local w, other = vm:spawn(), vm:spawn()
	assert_eq(0, w:syscall("kill", -1, C.SIGKILL))
	assert_error(function() other:syscall("getpid") end, "was killed by signal 9")
	assert_error(function() vm:syscall("getpid") end, "was killed by signal 9")
	assert_eq(w.pid, w:syscall("getpid"))
	assert(vm:exec("true").ok)
	w:kill()
	other:kill()
end)

test("a worker outlives the executor that it was forked from", function()
	with({ {} }, function(w)
		assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
		assert_eq(w.pid, w:syscall("getpid"))
		assert_eq(0, vm:syscall("getuid"))
	end)
end)

test("a worker that calls execve ends with the program's exit status", function()
	local w = vm:spawn()
	assert_error(function()
		w:syscall_ptr("execve", { [0] = "/bin/true\0", [1] = pack("x16") },
			{ { buf_idx = 1, ptr_offset = 0, data_len = 5, data = "true\0" } }, 0, 0, 0)
	end, "exited with status 0 during syscall")
	w:kill()
end)

test("a worker that closes all of its descriptors ends, and the VM works on", function()
	local w = vm:spawn()
	assert_error(function()
		w:syscall("close_range", 3, 0xffffffff, 0)
		w:syscall("getpid")
	end, "its own descriptors")
	assert(vm:exec("true").ok)
	w:kill()
end)

test("a worker that is stopped works on after SIGCONT", function()
	with({ {} }, function(w)
		local call = w:async("syscall", "pause")
		vm:wait_until(function() return vm:exec(("grep -q 'State:.S' /proc/%d/status"):format(w.pid)).ok end, { interval = 0.01 })
		assert_eq(0, vm:syscall("kill", w.pid, C.SIGSTOP))
		vm:wait_until(function() return vm:exec(("grep -q 'State:.T' /proc/%d/status"):format(w.pid)).ok end, { interval = 0.01 })
		assert(not call:done())
		assert_eq(0, vm:syscall("kill", w.pid, C.SIGCONT))
		assert(not call:done())
	end)
end)

-- --- many workers ---

test("300 workers at a time have 300 pids and leave no zombie", function()
	local list, seen = {}, {}
	for i = 1, 300 do list[i] = vm:spawn() end
	for _, w in ipairs(list) do
		local pid = w:syscall("getpid")
		assert(not seen[pid], "two workers have one pid")
		seen[pid] = true
	end
	for _, w in ipairs(list) do w:kill() end
	assert_eq("0\n", vm:exec("ps -o stat | grep -c ^Z").stdout)
end)

test("300 thread workers at a time have their own tids and leave no thread", function()
	local list = {}
	for i = 1, 300 do list[i] = vm:spawn { thread = true } end
	for _, t in ipairs(list) do assert_eq(t.tid, t:syscall("gettid")) end
	for _, t in ipairs(list) do t:kill() end
	assert_eq("1\n", vm:exec(("ls /proc/%d/task | wc -l"):format(vm:syscall("getpid"))).stdout)
end)

local MANY = tonumber(os.getenv("WORKERS")) or 2000

test(("%d workers one after the other leave no memory used"):format(MANY), function()
	local function memory() return tonumber(vm:read_file("/proc/meminfo"):match("MemAvailable:%s+(%d+)")) end
	vm:spawn():kill()
	local before = memory()
	for _ = 1, MANY do vm:spawn():kill() end
	local lost = before - memory()
	assert(lost < 8192, ("%d KiB were not freed"):format(lost))
end)

test("a 1024th worker is refused with EAGAIN", function()
	-- Starts a new executor, because other tests' threads have left their
	-- stacks in this one.
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	local list = {}
	local err = assert_error(function()
		for i = 1, 2000 do list[i] = vm:spawn() end
	end)
	assert_eq("EAGAIN", err.errno)
	assert_contains(err.message, "1023 workers at a time are the most; kill() those that are done")
	assert_eq(1023, #list)
	for _, w in ipairs(list) do w:kill() end
	vm:spawn():kill()
end)

test("spawn refuses wrong options", function()
	assert_error(function() vm:spawn { threads = true } end, "spawn: unknown option \"threads\"")
	assert_error(function() vm:spawn { uid = "root" } end, "spawn: uid: expected a number")
	assert_error(function() vm:spawn { uid = -1 } end, "spawn: uid")
	assert_error(function() vm:spawn { groups = 5 } end, "spawn: groups: expected a list")
	assert_error(function() vm:spawn { caps = { "sys_nothing" } } end, "spawn: caps: expected capabilities like \"CAP_SYS_ADMIN\", got \"sys_nothing\"")
	assert_error(function() vm:spawn("thread") end, "spawn: options: expected a table")
end)
