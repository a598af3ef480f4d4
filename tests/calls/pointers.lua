-- SPDX-License-Identifier: GPL-2.0-only
-- Strings, provium.out(), inout() and struct() in the place of the pointers
-- that a system call takes.

local C = provium.const
local out, inout, struct = provium.out, provium.inout, provium.struct
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create():boot()

local function pipe(on)
	local ret, fds = on:syscall("pipe2", out(8), C.O_CLOEXEC)
	assert_eq(0, ret)
	return unpack("i32 i32", fds)
end

-- Returns the descriptor of a new file in memory that has the content.
local function memfd(content)
	local fd = vm:syscall("memfd_create", "test\0", 0)
	assert_eq(#content, vm:syscall("write", fd, content, #content))
	assert_eq(0, vm:syscall("lseek", fd, 0, C.SEEK_SET))
	return fd
end

test("a string argument is passed as a pointer to the string's bytes", function()
	local fd = vm:syscall("openat", C.AT_FDCWD, "/proc/version\0", C.O_RDONLY)
	assert(fd >= 3, fd)
	local n, data = vm:syscall("read", fd, out(5), 5)
	assert_eq({ 5, "Linux" }, { n, data })
	assert_eq(0, vm:syscall("close", fd))
end)

test("syscall adds no NUL byte to a string argument", function()
	assert_errno("EFAULT", vm:syscall("openat", C.AT_FDCWD, "/proc/version", C.O_RDONLY))
end)

test("the output of a command can be a string argument of a system call", function()
	local fd = memfd ""
	local said = vm:exec("printf hello").stdout
	assert_eq(5, vm:syscall("write", fd, said, #said))
end)

test("provium.out(n) as an argument returns n bytes after the call", function()
	local n, data = vm:syscall("read", memfd "abc", out(8), 8)
	assert_eq(3, n)
	assert_eq("abc\0\0\0\0\0", data)
end)

test("provium.inout(data) as an argument returns the data as the call left them", function()
	local n, data = vm:syscall("read", memfd "abc", inout "........", 8)
	assert_eq({ 3, "abc....." }, { n, data })
end)

test("syscall returns several results in the order of their arguments", function()
	local ret, uid, euid, suid = vm:syscall("getresuid", out(4), out(4), out(4))
	assert_eq({ 0, pack("u32", 0), pack("u32", 0), pack("u32", 0) }, { ret, uid, euid, suid })
end)

test("a call fills the buffers to which the pointers of a struct argument point", function()
	local n, a, b = vm:syscall("readv", memfd "abcdefgh",
		struct("ptr u64 ptr u64", out(4), 4, out(8), 8), 2)
	assert_eq({ 8, "abcd", "efgh\0\0\0\0" }, { n, a, b })
end)

test("a struct argument can have pointers to strings", function()
	local fd = memfd ""
	assert_eq(5, vm:syscall("writev", fd, struct("ptr u64 ptr u64", "he", 2, "llo", 3), 2))
	local _, data = vm:syscall("pread64", fd, out(5), 5, 0)
	assert_eq("hello", data)
end)

test("a struct argument can have pointers to structs with pointers", function()
	local a, b = unpack("i32 i32", select(2, vm:syscall("socketpair", C.AF_UNIX, C.SOCK_STREAM, 0, out(8))))
	local function message(iov) return struct("ptr u32 x4 ptr u64 ptr u64 u32 x4", 0, 0, iov, 1, 0, 0, 0) end
	assert_eq(3, vm:syscall("sendmsg", a, message(struct("ptr u64", "abc", 3)), 0))
	local n, data = vm:syscall("recvmsg", b, message(struct("ptr u64", out(3), 3)), 0)
	assert_eq({ 3, "abc" }, { n, data })
end)

test("inout() of a struct returns the struct, then the buffers behind its pointers", function()
	local n, iov, data = vm:syscall("readv", memfd "abc", inout(struct("ptr u64", out(3), 3)), 1)
	assert_eq({ 3, "abc" }, { n, data })
	local address, len = unpack("u64 u64", iov)
	assert_ne(0, address)
	assert_eq(3, len)
end)

test("an ioctl takes out() as its argument and returns the bytes", function()
	local r, w = pipe(vm)
	assert_eq(5, vm:syscall("write", w, "hello", 5))
	local ret, size = vm:ioctl(r, C.FIONREAD, out(4))
	assert_eq({ 0, 5 }, { ret, (unpack("i32", size)) })
	ret, size = vm:syscall("ioctl", r, C.FIONREAD, out(4))
	assert_eq({ 0, 5 }, { ret, (unpack("i32", size)) })
end)

test("calls of a worker, of async() and of batch() take pointer arguments", function()
	local w = vm:spawn()
	local r, wr = pipe(w)
	local call = w:async("syscall", "read", r, out(2), 2)
	local list = vm:batch(function(b)
		b:syscall("getcwd", out(4), 4)
		b:syscall("access", "/none\0", 0)
	end)
	assert_eq({ 2, "/\0\0\0" }, list[1])
	assert_errno("ENOENT", list[2][1])
	assert_eq(false, call:done())
	w:kill()
	assert(wr > r)
end)

test("a race takes pointer arguments, and each round has its own results", function()
	local fd = memfd(("x"):rep(100))
	local w = vm:spawn { thread = true }
	local rounds = provium.race({ vm, "syscall", "read", fd, out(1), 1 }, { w, "syscall", "read", fd, out(1), 1 },
		{ rounds = 5 })
	for _, round in ipairs(rounds) do assert_eq({ { 1, "x" }, { 1, "x" } }, round) end
	w:kill()
end)

-- --- errors ---

test("the error of syscall for an argument of another type lists the accepted types", function()
	assert_error(function() vm:syscall("read", 0, {}, 1) end,
		"syscall read: argument 1: expected an integer, a string, out%(%), inout%(%) or struct%(%), got table")
	assert_error(function() vm:syscall("read", 0, 1.5, 1) end, "argument 1: .*got float")
	assert_error(function() vm:syscall("read", 0, nil, 1) end, "argument 1: .*got nil")
end)

test("syscall_buf refuses a value in the place of the buffer's address", function()
	assert_error(function() vm:syscall_buf("openat", 1, "/x\0", C.AT_FDCWD, C.O_RDWR, 0) end,
		"syscall_buf openat: argument 1: the buffer's address is passed here; expected 0 or nil in its place, got 2")
	assert_error(function() vm:syscall_bufs("read", { [1] = "x" }, 0, 1) end, "syscall_bufs read: argument 1: .*got 1")
	assert_errno("ENOENT", vm:syscall_buf("openat", 1, "/x\0", C.AT_FDCWD, nil, 0))
end)

test("the error of ioctl for data shorter than the command's size has both sizes", function()
	assert_error(function() vm:ioctl(0, provium.IOWR("K", 1, 24), "abc") end,
		"ioctl 0xc0184b01: data: the command's number says 24 bytes, got 3")
	assert_error(function() vm:ioctl(0, provium.IOWR("K", 1, 24), out(8)) end, "says 24 bytes, got 8")
end)

test("the error for an unknown method proposes the most similar method", function()
	assert_error(function() vm:sycall("getpid") end, 'a VM has no method "sycall"; did you mean "syscall"?')
	local w = vm:spawn()
	assert_error(function() w:ictl(0, 0) end, 'a VM has no method "ictl"; did you mean "ioctl"?')
	w:kill()
	assert_eq(nil, vm.anything_else)
end)
