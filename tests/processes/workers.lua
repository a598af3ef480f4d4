-- SPDX-License-Identifier: GPL-2.0-only
-- Many processes and threads in one guest, each driven on its own.

local crew = require "crew"
local linux = require "linux"
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create("minimal"):boot { cpus = 2 }

local function with(kinds, fn) crew.with(vm, kinds, fn) end

local function open(who, path, flags)
	return who:syscall_buf("openat", 1, path .. "\0", linux.AT_FDCWD, 0, flags or linux.O_RDONLY, 0)
end

-- --- what they are ---

test("a worker is a process of its own", function()
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

test("every method of a VM's is a worker's", function()
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

test("but not boot, shutdown and spawn", function()
	with({ {} }, function(w)
		for _, method in ipairs { "boot", "shutdown", "spawn" } do
			assert_error(function() w[method](w) end, method .. ": worker %d+ has no " .. method .. "%(%); its VM has")
		end
	end)
end)

-- --- descriptors and memory ---

test("a worker starts with a copy of the executor's descriptors, at the same places", function()
	local fd = open(vm, "/proc/version")
	assert_eq(3, fd)
	with({ {} }, function(w)
		assert_eq(5, (w:syscall_bufs("read", { [1] = ("\0"):rep(5) }, fd, 0, 5)))
		-- One open file: one position.
		assert_eq(5, vm:syscall("lseek", fd, 0, 1))
		-- But a table of its own.
		assert_eq(0, w:syscall("close", fd))
		assert_eq(0, vm:syscall("fcntl", fd, linux.F_GETFD))
		assert_errno("EBADF", w:syscall("fcntl", fd, linux.F_GETFD))
	end)
	assert_eq(0, vm:syscall("close", fd))
end)

test("a thread worker shares the table: what one opens the other has", function()
	with({ { thread = true } }, function(t)
		local fd = open(t, "/proc/version")
		assert(fd >= 3)
		assert_eq(0, vm:syscall("fcntl", fd, linux.F_GETFD))
		assert_eq(0, vm:syscall("close", fd))
		assert_errno("EBADF", t:syscall("fcntl", fd, linux.F_GETFD))
	end)
end)

test("two thread workers share memory, a process does not", function()
	local at = vm:syscall("mmap", 0, 4096, linux.PROT_READ | linux.PROT_WRITE, linux.MAP_PRIVATE | linux.MAP_ANONYMOUS, -1, 0)
	assert(at > 0)
	local function put(who, v)	-- getrandom would be random: read from a pipe
		local _, pipe = who:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
		local r, w = unpack("u32 u32", pipe)
		who:syscall_buf("write", 1, pack("u64", v), w, 0, 8)
		assert_eq(8, who:syscall("read", r, at, 8))
		who:syscall("close", r)
		who:syscall("close", w)
	end
	local function get(who)
		local _, pipe = who:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
		local r, w = unpack("u32 u32", pipe)
		assert_eq(8, who:syscall("write", w, at, 8))
		local _, data = who:syscall_bufs("read", { [1] = ("\0"):rep(8) }, r, 0, 8)
		who:syscall("close", r)
		who:syscall("close", w)
		return (unpack("u64", data))
	end
	put(vm, 7)
	with({ { thread = true }, { thread = true }, {} }, function(a, b, process)
		put(a, 42)
		assert_eq(42, get(b))
		assert_eq(42, get(vm))
		assert_eq(7, get(process) == 42 and 42 or 7)
		put(process, 9)
		assert_eq(42, get(vm))
	end)
	assert_eq(0, vm:syscall("munmap", at, 4096))
end)

test("buffers are guarded in every worker", function()
	with({ {}, { thread = true } }, function(w, t)
		for _, who in ipairs { w, t } do
			local fd = open(who, "/dev/zero")
			assert_errno("EFAULT", who:syscall("read", fd, 8, 8))
			local ret, data = who:syscall_bufs("read", { [1] = ("x"):rep(100000) }, fd, 0, 100000)
			assert_eq(100000, ret)
			assert_eq(("\0"):rep(100000), data)
			who:syscall("close", fd)
		end
	end)
end)

-- --- each for itself ---

test("chroot and chdir of a thread worker are its own", function()
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

test("unshare: a host name of one worker's own", function()
	local before = vm:exec("hostname").stdout.value
	with({ {}, { thread = true } }, function(w, t)
		for _, who in ipairs { w, t } do
			assert_eq(0, who:syscall("unshare", linux.CLONE_NEWUTS))
			assert_eq(0, who:syscall_buf("sethostname", 0, "inside", 0, 6))
			assert_eq("inside\n", who:exec("hostname").stdout)
			assert_eq(before, vm:exec("hostname").stdout)
		end
	end)
end)

test("unshare: a worker in a user namespace is nobody there, the executor goes on as root", function()
	with({ {} }, function(w)
		assert_eq(0, w:syscall("unshare", linux.CLONE_NEWUSER))
		assert_eq(65534, w:syscall("getuid"))
		assert_eq(0, vm:syscall("getuid"))
	end)
end)

test("a thread worker unshares the table: its descriptors are its own from then on", function()
	with({ { thread = true } }, function(t)
		assert_eq(0, t:syscall("unshare", linux.CLONE_FILES))
		local fd = open(t, "/proc/version")
		assert_errno("EBADF", vm:syscall("fcntl", fd, linux.F_GETFD))
	end)
end)

test("seccomp: a filter on one thread worker is not on the others", function()
	-- struct sock_filter: code, jt, jf, k. getuid (102) is EPERM, the rest goes.
	local program = pack("u16 u8 u8 u32  u16 u8 u8 u32  u16 u8 u8 u32  u16 u8 u8 u32",
		0x20, 0, 0, 0,  0x15, 0, 1, 102,  0x06, 0, 0, 0x00050001,  0x06, 0, 0, 0x7fff0000)
	local SECCOMP_SET_MODE_FILTER = 1
	with({ { thread = true, no_new_privs = true }, { thread = true } }, function(t, other)
		local ret = t:syscall_ptr("seccomp", { [2] = pack("u16 x6 u64", 4, 0) },
			{ { buf_idx = 2, ptr_offset = 8, data_len = #program, data = program } }, SECCOMP_SET_MODE_FILTER, 0, 0)
		assert_eq(0, ret)
		assert_errno("EPERM", t:syscall("getuid"))
		assert_eq(0, other:syscall("getuid"))
		assert_eq(0, vm:syscall("getuid"))
	end)
end)

-- --- ends ---

test("kill: its process is gone, and so is every call on it", function()
	local w = vm:spawn()
	w:kill()
	assert_errno("ESRCH", vm:syscall("kill", w.pid, 0))
	assert_error(function() w:syscall("getpid") end, "syscall getpid on worker %d+: it was killed")
	assert_error(function() w:exec("true") end, "it was killed")
	assert_error(function() w:async("exec", "true") end, "it was killed")
	w:kill()
end)

test("kill of a thread worker ends that thread alone", function()
	local pid = vm:syscall("getpid")
	local t, other = vm:spawn { thread = true }, vm:spawn { thread = true }
	t:kill()
	assert_errno("ESRCH", vm:syscall("tgkill", pid, t.tid, 0))
	assert_eq(other.tid, other:syscall("gettid"))
	assert_eq(pid, vm:syscall("getpid"))
	other:kill()
end)

test("kill ends a worker that is in a call, and the call says so", function()
	for _, opts in ipairs { {}, { thread = true } } do
		local w = vm:spawn(opts)
		local call = w:async("syscall", "pause")
		w:kill()
		assert_error(function() call:wait() end, opts.thread and "ended during syscall" or "was killed by signal 9")
	end
	assert(vm:exec("true").ok)
end)

test("a worker that exits is not replaced, and every later call says how it ended", function()
	local w = vm:spawn()
	assert_error(function() w:syscall("exit_group", 3) end, "worker %d+ %(pid %d+%) exited with status 3 during syscall")
	for _ = 1, 2 do
		assert_error(function() w:syscall("getpid") end, "exited with status 3 before this syscall.*spawn another")
	end
	w:kill()
end)

test("exit in a thread worker ends it alone", function()
	local pid, t = vm:syscall("getpid"), vm:spawn { thread = true }
	local err = assert_error(function() t:syscall("exit", 0) end)
	assert_contains(err.message, ("worker %d (a thread of pid %d) ended during syscall"):format(t.channel - 1, pid))
	assert_error(function() t:syscall("getpid") end, "spawn another")
	assert_eq(pid, vm:syscall("getpid"))
	t:kill()
end)

test("exit_group in a thread worker ends the executor, all its threads, and no process worker", function()
	local pid = vm:syscall("getpid")
	with({ { thread = true }, { thread = true }, {} }, function(t, other, w)
		assert_error(function() t:syscall("exit_group", 3) end, "a thread of pid " .. pid)
		assert_error(function() other:syscall("getpid") end, "a thread of pid " .. pid)
		assert_error(function() vm:syscall("getpid") end, "the executor %(pid " .. pid .. "%) exited with status 3")
		assert_eq(w.pid, w:syscall("getpid"))
		assert_ne(pid, vm:syscall("getpid"))
	end)
end)

test("a worker kills another, and the executor: the others go on", function()
	local pid = vm:syscall("getpid")
	with({ {}, {}, {} }, function(a, b, c)
		assert_eq(0, a:syscall("kill", b.pid, linux.SIGKILL))
		assert_error(function() b:syscall("getpid") end, "was killed by signal 9")
		assert_eq(0, a:syscall("kill", pid, linux.SIGKILL))
		assert_error(function() vm:syscall("getpid") end, "was killed by signal 9")
		assert_eq(c.pid, c:syscall("getpid"))
		assert_eq(a.pid, a:syscall("getpid"))
		assert_ne(pid, vm:syscall("getpid"))
	end)
end)

test("kill(-1): everything but the agent's supervisor goes, and the guest lives on", function()
	local w, other = vm:spawn(), vm:spawn()
	assert_eq(0, w:syscall("kill", -1, linux.SIGKILL))
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

test("a worker becomes another program", function()
	local w = vm:spawn()
	assert_error(function()
		w:syscall_ptr("execve", { [0] = "/bin/true\0", [1] = pack("x16") },
			{ { buf_idx = 1, ptr_offset = 0, data_len = 5, data = "true\0" } }, 0, 0, 0)
	end, "exited with status 0 during syscall")
	w:kill()
end)

test("all descriptors are closed under a worker, which is its end alone", function()
	local w = vm:spawn()
	assert_error(function()
		w:syscall("close_range", 3, 0xffffffff, 0)
		w:syscall("getpid")
	end, "its own descriptors")
	assert(vm:exec("true").ok)
	w:kill()
end)

test("a worker that is stopped goes on after SIGCONT", function()
	with({ {} }, function(w)
		local call = w:async("syscall", "pause")
		vm:wait_until(function() return vm:exec(("grep -q 'State:.S' /proc/%d/status"):format(w.pid)).ok end, { interval = 0.01 })
		assert_eq(0, vm:syscall("kill", w.pid, linux.SIGSTOP))
		vm:wait_until(function() return vm:exec(("grep -q 'State:.T' /proc/%d/status"):format(w.pid)).ok end, { interval = 0.01 })
		assert(not call:done())
		assert_eq(0, vm:syscall("kill", w.pid, linux.SIGCONT))
		assert(not call:done())
	end)
end)

-- --- many ---

test("300 workers at a time, each with its own pid", function()
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

test("300 thread workers", function()
	local list = {}
	for i = 1, 300 do list[i] = vm:spawn { thread = true } end
	for _, t in ipairs(list) do assert_eq(t.tid, t:syscall("gettid")) end
	for _, t in ipairs(list) do t:kill() end
	assert_eq("1\n", vm:exec(("ls /proc/%d/task | wc -l"):format(vm:syscall("getpid"))).stdout)
end)

local MANY = tonumber(os.getenv("WORKERS")) or 2000

test(("%d workers one after the other leave nothing"):format(MANY), function()
	local function memory() return tonumber(vm:read_file("/proc/meminfo"):match("MemAvailable:%s+(%d+)")) end
	vm:spawn():kill()
	local before = memory()
	for _ = 1, MANY do vm:spawn():kill() end
	local lost = before - memory()
	assert(lost < 8192, ("%d KiB are gone"):format(lost))
end)

test("more than there can be is an error that says what to do", function()
	-- A new executor: 300 threads have left their stacks in this one.
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

test("what cannot be asked for is refused", function()
	assert_error(function() vm:spawn { threads = true } end, "spawn: unknown option \"threads\"")
	assert_error(function() vm:spawn { uid = "root" } end, "spawn: uid: expected a number")
	assert_error(function() vm:spawn { uid = -1 } end, "spawn: uid")
	assert_error(function() vm:spawn { groups = 5 } end, "spawn: groups: expected a list")
	assert_error(function() vm:spawn { caps = { "sys_nothing" } } end, "there is no capability \"sys_nothing\"")
	assert_error(function() vm:spawn("thread") end, "spawn: options: expected a table")
end)
