-- SPDX-License-Identifier: GPL-2.0-only
-- System calls with memory: buffers, structs, and pointers inside structs.

local C = provium.const
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create():boot()

local function zeros(n) return ("\0"):rep(n) end

local function memfd(content)
	local fd = vm:syscall_buf("memfd_create", 0, "test\0", 0, 0)
	assert_eq(#content, vm:syscall_buf("write", 1, content, fd, 0, #content))
	assert_eq(0, vm:syscall("lseek", fd, 0, C.SEEK_SET))
	return fd
end

local function content_of(fd, size)
	local ret, got = vm:syscall_bufs("pread64", { [1] = zeros(size) }, fd, 0, size, 0)
	assert_eq(size, ret)
	return got
end

local function pipe()
	local ret, fds = vm:syscall_bufs("pipe2", { [0] = zeros(8) }, 0, C.O_CLOEXEC)
	assert_eq(0, ret)
	return unpack("i32 i32", fds)
end

local function open(path, flags)
	return vm:syscall_buf("openat", 1, path .. "\0", C.AT_FDCWD, 0, flags)
end

local function close(...)
	for _, fd in ipairs { ... } do assert_eq(0, vm:syscall("close", fd)) end
end

-- --- a buffer for an argument ---

test("openat takes a path from a buffer", function()
	local fd = open("/proc/version", C.O_RDONLY)
	assert_eq(3, fd)
	close(fd)
end)

test("openat of a missing file returns ENOENT", function()
	assert_errno("ENOENT", open("/none", C.O_RDONLY))
end)

test("openat with O_CREAT and O_EXCL of an existing path returns EEXIST", function()
	assert_errno("EEXIST", open("/tmp", C.O_CREAT | C.O_EXCL))
end)

test("uname fills a struct of six names", function()
	local ret, uts = vm:syscall_bufs("uname", { [0] = zeros(390) }, 0)
	assert_eq(0, ret)
	local sysname, _, release = unpack("s65 s65 s65", uts)
	assert_eq("Linux", sysname:match("^%Z+"))
	assert_eq(vm:exec("uname -r").stdout.trim(), release:match("^%Z+"))
end)

test("a buffer that the kernel only reads is returned unchanged", function()
	local ret, path = vm:syscall_bufs("access", { [0] = "/tmp\0" }, 0, 0)
	assert_eq(0, ret)
	assert_eq("/tmp\0", path)
end)

test("pipe2 with O_CLOEXEC returns two descriptors that are close-on-exec", function()
	local r, w = pipe()
	assert_eq({ 3, 4 }, { r, w })
	assert_eq(C.FD_CLOEXEC, vm:syscall("fcntl", r, C.F_GETFD))
	close(r, w)
end)

test("a read of a pipe returns the bytes written to it", function()
	local r, w = pipe()
	assert_eq(5, vm:syscall_buf("write", 1, "hello", w, 0, 5))
	local ret, got = vm:syscall_bufs("read", { [1] = zeros(8) }, r, 0, 8)
	assert_eq(5, ret)
	assert_eq("hello\0\0\0", got)
	close(r, w)
end)

test("clock_gettime returns increasing times", function()
	local function now()
		local ret, ts = vm:syscall_bufs("clock_gettime", { [1] = zeros(16) }, C.CLOCK_MONOTONIC, 0)
		assert_eq(0, ret)
		local s, ns = unpack("i64 i64", ts)
		return s * 1000000000 + ns
	end
	local first = now()
	assert(now() > first, "the clock stands still")
end)

test("clock_gettime of an unknown clock returns EINVAL", function()
	assert_errno("EINVAL", (vm:syscall_bufs("clock_gettime", { [1] = zeros(16) }, 99, 0)))
end)

test("getdents64 returns the entries of a folder", function()
	vm:exec("mkdir -p /tmp/folder && touch /tmp/folder/one /tmp/folder/two")
	local fd = open("/tmp/folder", C.O_DIRECTORY)
	local ret, entries = vm:syscall_bufs("getdents64", { [1] = zeros(1024) }, fd, 0, 1024)
	local names, at = {}, 0
	while at < ret do
		local _, _, length = unpack("u64 i64 u16", entries, at)
		names[#names + 1] = entries:match("^%Z+", at + 20)
		at = at + length
	end
	table.sort(names)
	assert_eq({ ".", "..", "one", "two" }, names)
	close(fd)
end)

test("getdents64 without room for one entry returns EINVAL", function()
	local fd = open("/tmp", C.O_DIRECTORY)
	assert_errno("EINVAL", (vm:syscall_bufs("getdents64", { [1] = zeros(16) }, fd, 0, 16)))
	close(fd)
end)

test("statx fills a struct of 256 bytes with mask and size", function()
	vm:write_file("/tmp/stat", "12345")
	local ret, _, st = vm:syscall_bufs("statx", { [1] = "/tmp/stat\0", [4] = zeros(256) }, C.AT_FDCWD, 0, 0,
		C.STATX_SIZE, 0)
	assert_eq(0, ret)
	assert_ne(0, unpack("u32", st) & C.STATX_SIZE)
	assert_eq(5, unpack("u64", st, 40))
end)

test("readlinkat returns the target's length, and writes no zero after the target", function()
	vm:exec("ln -sfn over/there /tmp/link")
	local ret, _, target = vm:syscall_bufs("readlinkat", { [1] = "/tmp/link\0", [2] = ("?"):rep(16) },
		C.AT_FDCWD, 0, 0, 16)
	assert_eq(10, ret)
	assert_eq("over/there??????", target)
end)

test("getxattr returns three buffers in the order of their arguments", function()
	vm:write_file("/tmp/labelled", "")
	assert_eq(0, (vm:syscall_bufs("setxattr",
		{ [0] = "/tmp/labelled\0", [1] = "trusted.label\0", [2] = "secret" }, 0, 0, 0, 6, 0)))
	local ret, path, name, value = vm:syscall_bufs("getxattr",
		{ [2] = zeros(10), [1] = "trusted.label\0", [0] = "/tmp/labelled\0" }, 0, 0, 0, 10)
	assert_eq(6, ret)
	assert_eq({ "/tmp/labelled\0", "trusted.label\0", "secret\0\0\0\0" }, { path, name, value })
end)

test("getxattr with too small a buffer returns ERANGE", function()
	vm:write_file("/tmp/labelled", "")
	assert_eq(0, (vm:syscall_bufs("setxattr",
		{ [0] = "/tmp/labelled\0", [1] = "trusted.label\0", [2] = "secret" }, 0, 0, 0, 6, 0)))
	assert_errno("ERANGE", (vm:syscall_bufs("getxattr",
		{ [0] = "/tmp/labelled\0", [1] = "trusted.label\0", [2] = zeros(3) }, 0, 0, 0, 3)))
end)

test("getsockopt returns the value and the number of bytes written", function()
	local fd = vm:syscall("socket", C.AF_UNIX, C.SOCK_STREAM, 0)
	local ret, value, len = vm:syscall_bufs("getsockopt", { [3] = zeros(8), [4] = pack("u32", 8) }, fd,
		C.SOL_SOCKET, C.SO_TYPE, 0, 0)
	assert_eq(0, ret)
	assert_eq({ C.SOCK_STREAM, 4 }, { unpack("u32 x4", value), (unpack("u32", len)) })
	close(fd)
end)

test("getsockname of a bound socket returns its IPv4 address in network order", function()
	local fd = vm:syscall("socket", C.AF_INET, C.SOCK_DGRAM, 0)
	local any_port = pack("u16 u16be u32be x8", C.AF_INET, 0, 0x7f000001)
	assert_eq(0, vm:syscall_buf("bind", 1, any_port, fd, 0, 16))
	local ret, addr = vm:syscall_bufs("getsockname", { [1] = zeros(16), [2] = pack("u32", 16) }, fd, 0, 0)
	assert_eq(0, ret)
	local family, port, host = unpack("u16 u16be u32be", addr)
	assert_eq({ C.AF_INET, 0x7f000001 }, { family, host })
	assert_ne(0, port)
	close(fd)
end)

test("an empty buffer is a valid pointer", function()
	local fd = memfd("")
	assert_eq(0, vm:syscall_buf("write", 1, "", fd, 0, 0))
	close(fd)
end)

test("a buffer of 8 MiB is written and read back unchanged", function()
	local fd, data = memfd(""), ("0123456789abcde\n"):rep(1 << 19)
	assert_eq(#data, vm:syscall_buf("write", 1, data, fd, 0, #data))
	assert(content_of(fd, #data) == data, "the bytes differ")
	close(fd)
end)

-- --- pointers inside buffers ---

test("readv fills each buffer of an iovec array", function()
	local fd = memfd("hello world")
	local ret, iov, first, second = vm:syscall_ptr("readv", { [1] = pack("x8 u64 x8 u64", 6, 5) }, {
		{ buf_idx = 1, ptr_offset = 0, data_len = 6, output = true },
		{ buf_idx = 1, ptr_offset = 16, data_len = 5, output = true },
	}, fd, 0, 2)
	assert_eq(11, ret)
	assert_eq(32, #iov)
	assert_eq("hello ", first)
	assert_eq("world", second)
	close(fd)
end)

test("writev writes the buffers of an iovec array in order", function()
	local fd = memfd("")
	assert_eq(7, (vm:syscall_ptr("writev", { [1] = pack("x8 u64 x8 u64", 3, 4) }, {
		{ buf_idx = 1, ptr_offset = 0, data_len = 3, data = "one" },
		{ buf_idx = 1, ptr_offset = 16, data_len = 4, data = "four" },
	}, fd, 0, 2)))
	assert_eq("onefour", content_of(fd, 7))
	close(fd)
end)

test("writev takes sixty buffers", function()
	local fd, iov, specs, all = memfd(""), {}, {}, {}
	for i = 1, 60 do
		local part = ("part %02d;"):format(i)
		iov[i], all[i] = pack("x8 u64", #part), part
		specs[i] = { buf_idx = 1, ptr_offset = (i - 1) * 16, data_len = #part, data = part }
	end
	assert_eq(480, (vm:syscall_ptr("writev", { [1] = table.concat(iov) }, specs, fd, 0, 60)))
	assert_eq(table.concat(all), content_of(fd, 480))
	close(fd)
end)

test("sub-buffer data shorter than data_len is filled up with zeros", function()
	local fd = memfd("")
	vm:syscall_ptr("writev", { [1] = pack("x8 u64", 8) },
		{ { buf_idx = 1, ptr_offset = 0, data_len = 8, data = "abc" } }, fd, 0, 1)
	assert_eq("abc\0\0\0\0\0", content_of(fd, 8))
	close(fd)
end)

test("sendmsg and recvmsg take an iovec array behind a pointer: two levels of pointers", function()
	local ret, sv = vm:syscall_bufs("socketpair", { [3] = zeros(8) }, C.AF_UNIX, C.SOCK_DGRAM, 0, 0)
	assert_eq(0, ret)
	local a, b = unpack("i32 i32", sv)
	local msghdr = pack("x16 x8 u64 x24", 1)	-- at 16 the pointer to the iovec array, at 24 its length
	assert_eq(5, (vm:syscall_ptr("sendmsg", { [1] = msghdr }, {
		{ buf_idx = 1, ptr_offset = 16, data_len = 16, data = pack("x8 u64", 5) },
		{ parent = 1, ptr_offset = 0, data_len = 5, data = "hello" },
	}, a, 0, 0)))
	local got, _, data = vm:syscall_ptr("recvmsg", { [1] = msghdr }, {
		{ buf_idx = 1, ptr_offset = 16, data_len = 16, data = pack("x8 u64", 8) },
		{ parent = 1, ptr_offset = 0, data_len = 8, output = true },
	}, b, 0, 0)
	assert_eq(5, got)
	assert_eq("hello\0\0\0", data)
	close(a, b)
end)

test("a descriptor sent with sendmsg is a new descriptor after recvmsg", function()
	local _, sv = vm:syscall_bufs("socketpair", { [3] = zeros(8) }, C.AF_UNIX, C.SOCK_STREAM, 0, 0)
	local a, b = unpack("i32 i32", sv)
	local file = memfd("passed on")
	local msghdr = pack("x16 x8 u64 x8 u64 x8", 1, 24)	-- at 32 the pointer to the control message
	local control = pack("u64 i32 i32 i32 x4", 20, C.SOL_SOCKET, C.SCM_RIGHTS, file)
	assert_eq(1, (vm:syscall_ptr("sendmsg", { [1] = msghdr }, {
		{ buf_idx = 1, ptr_offset = 16, data_len = 16, data = pack("x8 u64", 1) },
		{ parent = 1, ptr_offset = 0, data_len = 1, data = "!" },
		{ buf_idx = 1, ptr_offset = 32, data_len = 24, data = control },
	}, a, 0, 0)))
	local ret, _, _, received = vm:syscall_ptr("recvmsg", { [1] = msghdr }, {
		{ buf_idx = 1, ptr_offset = 16, data_len = 16, data = pack("x8 u64", 1) },
		{ parent = 1, ptr_offset = 0, data_len = 1, output = true },
		{ buf_idx = 1, ptr_offset = 32, data_len = 24, output = true },
	}, b, 0, 0)
	assert_eq(1, ret)
	local copy = unpack("i32", received, 16)
	assert_ne(file, copy)
	assert_eq("passed on", content_of(copy, 9))
	close(a, b, file, copy)
end)

test("io_submit takes an array of an iocb with an iovec: three levels of pointers", function()
	local IOCB_CMD_PWRITEV = 8
	local fd = memfd("")
	local ret, ctx = vm:syscall_bufs("io_setup", { [1] = zeros(8) }, 1, 0)
	assert_eq(0, ret)
	local context = unpack("u64", ctx)
	-- struct iocb: tag at 0, command at 16, descriptor at 20, pointer at
	-- 24, number of iovecs at 32.
	local iocb = pack("u64 x8 u16 x2 u32 x8 u64 i64 x16", 77, IOCB_CMD_PWRITEV, fd, 1, 0)
	assert_eq(1, (vm:syscall_ptr("io_submit", { [2] = zeros(8) }, {
		{ buf_idx = 2, ptr_offset = 0, data_len = 64, data = iocb },
		{ parent = 1, ptr_offset = 24, data_len = 16, data = pack("x8 u64", 4) },
		{ parent = 2, ptr_offset = 0, data_len = 4, data = "deep" },
	}, context, 1, 0)))
	local done, events = vm:syscall_bufs("io_getevents", { [3] = zeros(32) }, context, 1, 1, 0, 0)
	assert_eq(1, done)
	local tag, result = unpack("u64 x8 i64", events)
	assert_eq({ 77, 4 }, { tag, result })
	assert_eq("deep", content_of(fd, 4))
	assert_eq(0, vm:syscall("io_destroy", context))
	close(fd)
end)

-- --- futex, eventfd, epoll ---

test("FUTEX_WAIT on another value than expected returns EAGAIN", function()
	assert_errno("EAGAIN", (vm:syscall_bufs("futex", { [0] = pack("u32", 1) }, 0, C.FUTEX_WAIT, 2, 0)))
end)

test("FUTEX_WAIT without a wake-up returns ETIMEDOUT", function()
	local one_ms = pack("i64 i64", 0, 1000000)
	assert_errno("ETIMEDOUT", (vm:syscall_bufs("futex", { [0] = pack("u32", 1), [3] = one_ms }, 0,
		C.FUTEX_WAIT, 1, 0)))
end)

test("FUTEX_WAKE without a waiter returns 0", function()
	assert_eq(0, (vm:syscall_bufs("futex", { [0] = pack("u32", 1) }, 0, C.FUTEX_WAKE, 1)))
end)

test("a read of an eventfd returns the sum of the numbers written to it", function()
	local fd = vm:syscall("eventfd2", 2, 0)
	vm:syscall_buf("write", 1, pack("u64", 40), fd, 0, 8)
	local ret, sum = vm:syscall_bufs("read", { [1] = zeros(8) }, fd, 0, 8)
	assert_eq({ 8, 42 }, { ret, (unpack("u64", sum)) })
	close(fd)
end)

test("epoll_wait returns the event of a descriptor that is ready", function()
	local ep = vm:syscall("epoll_create1", 0)
	local r, w = pipe()
	local event = pack("u32 u64", C.EPOLLIN, 4711)
	assert_eq(0, vm:syscall_buf("epoll_ctl", 3, event, ep, C.EPOLL_CTL_ADD, r, 0))
	assert_eq(0, (vm:syscall_bufs("epoll_wait", { [1] = zeros(12) }, ep, 0, 1, 0)))
	vm:syscall_buf("write", 1, "x", w, 0, 1)
	local n, ready = vm:syscall_bufs("epoll_wait", { [1] = zeros(12) }, ep, 0, 1, 0)
	assert_eq(1, n)
	assert_eq({ C.EPOLLIN, 4711 }, { unpack("u32 u64", ready) })
	close(ep, r, w)
end)

test("EPOLL_CTL_ADD of a descriptor for the second time returns EEXIST", function()
	local ep = vm:syscall("epoll_create1", 0)
	local r, w = pipe()
	local event = pack("u32 u64", C.EPOLLIN, 0)
	vm:syscall_buf("epoll_ctl", 3, event, ep, C.EPOLL_CTL_ADD, r, 0)
	assert_errno("EEXIST", vm:syscall_buf("epoll_ctl", 3, event, ep, C.EPOLL_CTL_ADD, r, 0))
	close(ep, r, w)
end)

-- --- prctl, io_uring, ioctl ---

test("PR_GET_NAME returns the name set with PR_SET_NAME, cut at 15 letters", function()
	local _, before = vm:syscall_bufs("prctl", { [1] = zeros(16) }, C.PR_GET_NAME, 0)
	assert_eq(0, vm:syscall_buf("prctl", 1, "a-name-that-is-too-long\0", C.PR_SET_NAME, 0))
	local ret, name = vm:syscall_bufs("prctl", { [1] = zeros(16) }, C.PR_GET_NAME, 0)
	assert_eq(0, ret)
	assert_eq("a-name-that-is-\0", name)
	vm:syscall_buf("prctl", 1, before, C.PR_SET_NAME, 0)
end)

test("memfd_create with an unknown flag returns EINVAL", function()
	assert_errno("EINVAL", vm:syscall_buf("memfd_create", 0, "x\0", 0, 0x8000))
end)

test("io_uring_setup fills in the sizes of the rings", function()
	local fd, params = vm:syscall_bufs("io_uring_setup", { [1] = zeros(120) }, 8, 0)
	assert(fd >= 0, fd)
	assert_eq({ 8, 16 }, { unpack("u32 u32", params) })
	close(fd)
end)

test("io_uring_setup with no entries returns EINVAL", function()
	assert_errno("EINVAL", (vm:syscall_bufs("io_uring_setup", { [1] = zeros(120) }, 0, 0)))
end)

test("TCGETS, an ioctl without direction bits, returns the struct", function()
	local fd = open("/dev/ptmx", C.O_RDWR)
	local ret, termios = vm:ioctl(fd, C.TCGETS, zeros(36))
	assert_eq(0, ret)
	assert_eq(3, termios:byte(18))		-- c_cc[VINTR] is ^C
	close(fd)
end)

test("ioctls with direction bits read and write their argument: TIOCGPTN, TIOCSPTLCK", function()
	local fd = open("/dev/ptmx", C.O_RDWR)
	local ret, number = vm:ioctl(fd, C.TIOCGPTN)
	assert_eq(0, ret)
	assert_eq(0, (vm:ioctl(fd, C.TIOCSPTLCK, pack("i32", 0))))
	assert(vm:exec(("test -c /dev/pts/%d"):format(unpack("u32", number))).ok)
	close(fd)
end)

test("FIONREAD returns the number of bytes in a pipe", function()
	local r, w = pipe()
	vm:syscall_buf("write", 1, "12345", w, 0, 5)
	local ret, n = vm:ioctl(r, C.FIONREAD, zeros(4))
	assert_eq({ 0, 5 }, { ret, (unpack("i32", n)) })
	close(r, w)
end)

test("an ioctl of a file that has none returns ENOTTY", function()
	local fd = memfd("")
	assert_errno("ENOTTY", (vm:ioctl(fd, C.TCGETS, zeros(36))))
	close(fd)
end)

test("an ioctl of a descriptor that is not open returns EBADF", function()
	assert_errno("EBADF", (vm:ioctl(999, C.TCGETS, zeros(36))))
end)

-- --- wrong arguments ---

test("the error for more than 16 MiB of buffers in a call has both sizes", function()
	assert_error(function() vm:syscall_buf("write", 1, zeros(17 << 20), 1, 0, 0) end, "17825792 bytes; a call can carry at most 16 MiB")
end)

test("a buffer for an argument beyond 5 is refused", function()
	assert_error(function() vm:syscall_buf("getpid", 6, "x") end, "expected an argument's number, 0 to 5, got 6")
	assert_error(function() vm:syscall_bufs("getpid", { x = "" }) end, "got x")
end)

test("a buffer that is no string is refused", function()
	assert_error(function() vm:syscall_buf("write", 1, 42, 1, 0, 2) end, "data: expected a string, got number")
	assert_error(function() vm:syscall_bufs("write", { [1] = {} }, 1, 0, 2) end, "buffer 1: expected a string, got table")
end)

local function readv(specs) vm:syscall_ptr("readv", { [1] = zeros(16) }, specs, 0, 0, 1) end

test("a pointer beyond its buffer's end is refused", function()
	assert_error(function() readv { { buf_idx = 1, ptr_offset = 9, data_len = 1 } } end,
		"ptr_offset 9: an address takes 8 bytes, the buffer has 16")
end)

test("a pointer in a buffer that does not exist is refused", function()
	assert_error(function() readv { { buf_idx = 2, ptr_offset = 0, data_len = 1 } } end,
		"buf_idx: there is no buffer 2")
end)

test("a pointer whose parent is not an earlier pointer in the list is refused", function()
	assert_error(function() readv { { parent = 1, ptr_offset = 0, data_len = 1 } } end,
		"parent: expected the number of an earlier pointer, got 1")
end)

test("a pointer whose parents lead back to itself is refused", function()
	for parent = 1, 3 do
		assert_error(function()
			readv {
				{ parent = parent, ptr_offset = 0, data_len = 8 },
				{ parent = 1, ptr_offset = 0, data_len = 8 },
				{ parent = 2, ptr_offset = 0, data_len = 8 },
			}
		end, "pointer 1: parent: expected the number of an earlier pointer, got " .. parent)
	end
end)

test("a pointer whose data is the list of pointers is refused", function()
	local specs = {}
	specs[1] = { buf_idx = 1, ptr_offset = 0, data_len = 8, data = specs }
	assert_error(function() readv(specs) end, "data: expected a string, got table")
end)

test("a chain of 10,000 pointers arrives in the guest", function()
	local specs = { { buf_idx = 0, ptr_offset = 0, data_len = 8 } }
	for i = 2, 10000 do specs[i] = { parent = i - 1, ptr_offset = 0, data_len = 8 } end
	specs[10000] = { parent = 9999, ptr_offset = 0, data_len = 4, data = "deep", output = true }
	local pid, _, last = vm:syscall_ptr("getpid", { [0] = zeros(8) }, specs)
	assert_eq({ vm:syscall("getpid"), "deep" }, { pid, last })
end)

test("sub-buffer data longer than data_len is refused", function()
	assert_error(function() readv { { buf_idx = 1, ptr_offset = 0, data_len = 2, data = "abc" } } end,
		"3 bytes of data for a buffer of 2")
end)

test("the tests of this file leave no descriptor open", function()
	assert_eq(3, vm:syscall("dup", 0))
	close(3)
end)
