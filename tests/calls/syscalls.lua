-- SPDX-License-Identifier: GPL-2.0-only
-- syscall(): the kernel's raw result, for a call by name or by number.

local C = provium.const

local vm = provium.create():boot()

test("a system call by name and by number is the same call", function()
	local pid = vm:syscall("getpid")
	assert(pid > 1, "pid " .. pid)
	assert_eq(pid, vm:syscall(39))
	assert_eq(pid, vm:syscall(provium.nr.getpid))
end)

test("consecutive calls are made by one single-threaded process", function()
	assert_eq(vm:syscall("getpid"), vm:syscall("getpid"))
	assert_eq(vm:syscall("getpid"), vm:syscall("gettid"))
end)

test("a system call that fails returns the negative errno", function()
	assert_errno("EBADF", vm:syscall("close", 999))
	assert_eq(-9, vm:syscall("close", 999))
end)

test("an unknown system call number returns ENOSYS", function()
	assert_errno("ENOSYS", vm:syscall(9999))
	assert_errno("ENOSYS", vm:syscall(-1))
end)

test("a system call with an invalid address returns EFAULT", function()
	assert_errno("EFAULT", vm:syscall("pipe2", 8, 0))
	assert_errno("EFAULT", vm:syscall("uname", -4096))
end)

test("the executor starts with descriptors 0, 1 and 2 only", function()
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(4, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 4))
	assert_eq(0, vm:syscall("close", 3))
end)

test("the executor keeps its umask from call to call", function()
	vm:syscall("umask", 0x3f)
	assert_eq(0x3f, vm:syscall("umask", 0x12))
end)

test("arguments that are left out are 0", function()
	assert_eq(vm:syscall("getpgid"), vm:syscall("getpgid", 0))
end)

test("mmap takes six arguments and returns 64 bits", function()
	local rw, anon = C.PROT_READ | C.PROT_WRITE, C.MAP_PRIVATE | C.MAP_ANONYMOUS
	local addr = vm:syscall("mmap", 0, 8192, rw, anon, -1, 0)
	assert(addr > 1 << 32 and addr % 4096 == 0, ("address 0x%x"):format(addr))
	assert_eq(0, vm:syscall("munmap", addr, 8192))
end)

test("an argument above 4 GiB reaches the kernel whole", function()
	local path = vm:syscall_buf("memfd_create", 0, "big\0", 0, 0)
	assert_eq(1 << 40, vm:syscall("lseek", path, 1 << 40, C.SEEK_SET))
	vm:syscall("close", path)
end)

test("a blocked signal that the executor sends to itself stays pending", function()
	local mask = provium.pack("u64", 1 << (C.SIGCHLD - 1))
	assert_eq(0, vm:syscall_bufs("rt_sigprocmask", { [1] = mask }, C.SIG_BLOCK, 0, 0, 8))
	assert_eq(0, vm:syscall("kill", vm:syscall("getpid"), C.SIGCHLD))
	local ret, pending = vm:syscall_bufs("rt_sigpending", { [0] = provium.pack("x8") }, 0, 8)
	assert_eq(0, ret)
	assert_eq(1 << (C.SIGCHLD - 1), provium.unpack("u64", pending))
	assert_eq(0, (vm:syscall_bufs("rt_sigprocmask", { [1] = mask }, C.SIG_UNBLOCK, 0, 0, 8)))
end)

test("fork returns the child's pid, and the child exits with 0 at once", function()
	local child = vm:syscall("fork")
	assert(child > 0, "fork gave " .. child)
	local ret, status = vm:syscall_bufs("wait4", { [1] = provium.pack("x4") }, child, 0, 0, 0)
	assert_eq(child, ret)
	assert_eq(0, provium.unpack("u32", status))
end)

test("wait4 without a child returns ECHILD", function()
	assert_errno("ECHILD", vm:syscall("wait4", -1, 0, 0, 0))
end)

test("more than six arguments are refused", function()
	assert_error(function() vm:syscall("getpid", 1, 2, 3, 4, 5, 6, 7) end,
		"syscall getpid: 7 arguments; a system call takes at most 6")
end)

test("the error for an argument of a wrong type has the argument's number", function()
	assert_error(function() vm:syscall("close", 1.5) end, "syscall close: argument 0: expected an integer, .*got float")
	assert_error(function() vm:syscall("dup2", 1, {}) end, "argument 1: expected an integer, .*got table")
	assert_error(function() vm:syscall("dup2", nil, 2) end, "argument 0: expected an integer, .*got nil")
end)

test("the error for an unknown system call name proposes the most similar name", function()
	assert_error(function() vm:syscall("getpidd") end, "no system call \"getpidd\" on x86%-64; did you mean \"getpid\"%?")
	assert_error(function() vm:syscall("opneat") end, "did you mean \"openat\"%?")
	assert_error(function() vm:syscall("frobnicate_everything") end, "on x86%-64$")
end)

test("a system call that is neither name nor number is refused", function()
	assert_error(function() vm:syscall(nil) end, "syscall: expected a name or a number, got nil")
	assert_error(function() vm:syscall({}) end, "expected a name or a number, got table")
end)

test("a call that blocks ends at its deadline, and the error has the system call", function()
	local before, fd = vm.timeout, vm:syscall("dup", 0)
	vm.timeout = 0.2
	local err = assert_error(function() vm:syscall("pause") end, "syscall pause: no result within")
	vm.timeout = before
	assert_eq("timeout", err.kind)
	assert_contains(err.message, "its executor was killed, descriptors are gone")
	assert_contains(err.message, "syscall: " .. provium.nr.pause)
	assert_errno("EBADF", vm:syscall("close", fd))
end)
