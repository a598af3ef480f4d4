-- SPDX-License-Identifier: GPL-2.0-only
-- System calls that take memory: buffers, structs, pointers inside of structs.

local linux = require "linux"
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create("minimal"):boot()

local function zeros(n) return ("\0"):rep(n) end

local function memfd(content)
	local fd = vm:syscall_buf("memfd_create", 0, "test\0", 0, 0)
	assert_eq(#content, vm:syscall_buf("write", 1, content, fd, 0, #content))
	assert_eq(0, vm:syscall("lseek", fd, 0, linux.SEEK_SET))
	return fd
end

local function content_of(fd, size)
	local ret, got = vm:syscall_bufs("pread64", { [1] = zeros(size) }, fd, 0, size, 0)
	assert_eq(size, ret)
	return got
end

local function pipe()
	local ret, fds = vm:syscall_bufs("pipe2", { [0] = zeros(8) }, 0, linux.O_CLOEXEC)
	assert_eq(0, ret)
	return unpack("i32 i32", fds)
end

local function open(path, flags)
	return vm:syscall_buf("openat", 1, path .. "\0", linux.AT_FDCWD, 0, flags)
end

local function close(...)
	for _, fd in ipairs { ... } do assert_eq(0, vm:syscall("close", fd)) end
end

-- --- a buffer for an argument ---

test("openat takes a path", function()
	local fd = open("/proc/version", linux.O_RDONLY)
	assert_eq(3, fd)
	close(fd)
end)

test("openat: no such file is ENOENT", function()
	assert_errno("ENOENT", open("/none", linux.O_RDONLY))
end)

test("openat: what was to be made is there already, EEXIST", function()
	assert_errno("EEXIST", open("/tmp", linux.O_CREAT | linux.O_EXCL))
end)

test("uname fills a struct of six names", function()
	local ret, uts = vm:syscall_bufs("uname", { [0] = zeros(390) }, 0)
	assert_eq(0, ret)
	local sysname, _, release = unpack("s65 s65 s65", uts)
	assert_eq("Linux", sysname:match("^%Z+"))
	assert_eq(vm:exec("uname -r").stdout.trim(), release:match("^%Z+"))
end)

test("a buffer that is only read comes back as it was", function()
	local ret, path = vm:syscall_bufs("access", { [0] = "/tmp\0" }, 0, 0)
	assert_eq(0, ret)
	assert_eq("/tmp\0", path)
end)

test("pipe2 gives two descriptors, close-on-exec as asked", function()
	local r, w = pipe()
	assert_eq({ 3, 4 }, { r, w })
	assert_eq(linux.FD_CLOEXEC, vm:syscall("fcntl", r, linux.F_GETFD))
	close(r, w)
end)

test("what goes into a pipe comes out of it", function()
	local r, w = pipe()
	assert_eq(5, vm:syscall_buf("write", 1, "hello", w, 0, 5))
	local ret, got = vm:syscall_bufs("read", { [1] = zeros(8) }, r, 0, 8)
	assert_eq(5, ret)
	assert_eq("hello\0\0\0", got)
	close(r, w)
end)

test("clock_gettime goes forward", function()
	local function now()
		local ret, ts = vm:syscall_bufs("clock_gettime", { [1] = zeros(16) }, linux.CLOCK_MONOTONIC, 0)
		assert_eq(0, ret)
		local s, ns = unpack("i64 i64", ts)
		return s * 1000000000 + ns
	end
	local first = now()
	assert(now() > first, "it stands still")
end)

test("clock_gettime: a clock that there is not is EINVAL", function()
	assert_errno("EINVAL", (vm:syscall_bufs("clock_gettime", { [1] = zeros(16) }, 99, 0)))
end)

test("getdents64 lists a folder", function()
	vm:exec("mkdir -p /tmp/folder && touch /tmp/folder/one /tmp/folder/two")
	local fd = open("/tmp/folder", linux.O_DIRECTORY)
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

test("getdents64: room for not even one entry is EINVAL", function()
	local fd = open("/tmp", linux.O_DIRECTORY)
	assert_errno("EINVAL", (vm:syscall_bufs("getdents64", { [1] = zeros(16) }, fd, 0, 16)))
	close(fd)
end)

test("statx fills a struct of 256 bytes: mask and size", function()
	local STATX_SIZE = 0x200
	vm:write_file("/tmp/stat", "12345")
	local ret, _, st = vm:syscall_bufs("statx", { [1] = "/tmp/stat\0", [4] = zeros(256) }, linux.AT_FDCWD, 0, 0,
		STATX_SIZE, 0)
	assert_eq(0, ret)
	assert_ne(0, unpack("u32", st) & STATX_SIZE)
	assert_eq(5, unpack("u64", st, 40))
end)

test("readlinkat gives the length, and no zero after it", function()
	vm:exec("ln -sfn over/there /tmp/link")
	local ret, _, target = vm:syscall_bufs("readlinkat", { [1] = "/tmp/link\0", [2] = ("?"):rep(16) },
		linux.AT_FDCWD, 0, 0, 16)
	assert_eq(10, ret)
	assert_eq("over/there??????", target)
end)

test("xattrs: three buffers at once, back in the order of their arguments", function()
	vm:write_file("/tmp/labelled", "")
	assert_eq(0, (vm:syscall_bufs("setxattr",
		{ [0] = "/tmp/labelled\0", [1] = "trusted.label\0", [2] = "secret" }, 0, 0, 0, 6, 0)))
	local ret, path, name, value = vm:syscall_bufs("getxattr",
		{ [2] = zeros(10), [1] = "trusted.label\0", [0] = "/tmp/labelled\0" }, 0, 0, 0, 10)
	assert_eq(6, ret)
	assert_eq({ "/tmp/labelled\0", "trusted.label\0", "secret\0\0\0\0" }, { path, name, value })
end)

test("xattrs: too little room is ERANGE", function()
	assert_errno("ERANGE", (vm:syscall_bufs("getxattr",
		{ [0] = "/tmp/labelled\0", [1] = "trusted.label\0", [2] = zeros(3) }, 0, 0, 0, 3)))
end)

test("getsockopt: value and length, both in and out", function()
	local fd = vm:syscall("socket", linux.AF_UNIX, linux.SOCK_STREAM, 0)
	local ret, value, len = vm:syscall_bufs("getsockopt", { [3] = zeros(8), [4] = pack("u32", 8) }, fd,
		linux.SOL_SOCKET, linux.SO_TYPE, 0, 0)
	assert_eq(0, ret)
	assert_eq({ linux.SOCK_STREAM, 4 }, { unpack("u32 x4", value), (unpack("u32", len)) })
	close(fd)
end)

test("bind and getsockname: an address of IPv4, in network order", function()
	local fd = vm:syscall("socket", linux.AF_INET, linux.SOCK_DGRAM, 0)
	local any_port = pack("u16 u16be u32be x8", linux.AF_INET, 0, 0x7f000001)
	assert_eq(0, vm:syscall_buf("bind", 1, any_port, fd, 0, 16))
	local ret, addr = vm:syscall_bufs("getsockname", { [1] = zeros(16), [2] = pack("u32", 16) }, fd, 0, 0)
	assert_eq(0, ret)
	local family, port, host = unpack("u16 u16be u32be", addr)
	assert_eq({ linux.AF_INET, 0x7f000001 }, { family, host })
	assert_ne(0, port)
	close(fd)
end)

test("a buffer of nothing is a pointer all the same", function()
	local fd = memfd("")
	assert_eq(0, vm:syscall_buf("write", 1, "", fd, 0, 0))
	close(fd)
end)

test("a buffer of 8 MiB goes in and comes out", function()
	local fd, data = memfd(""), ("0123456789abcde\n"):rep(1 << 19)
	assert_eq(#data, vm:syscall_buf("write", 1, data, fd, 0, #data))
	assert(content_of(fd, #data) == data, "other bytes came back")
	close(fd)
end)

-- --- pointers inside of buffers ---

test("readv: an iovec array, each part a buffer of its own", function()
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

test("writev: what the parts hold is written in order", function()
	local fd = memfd("")
	assert_eq(7, (vm:syscall_ptr("writev", { [1] = pack("x8 u64 x8 u64", 3, 4) }, {
		{ buf_idx = 1, ptr_offset = 0, data_len = 3, data = "one" },
		{ buf_idx = 1, ptr_offset = 16, data_len = 4, data = "four" },
	}, fd, 0, 2)))
	assert_eq("onefour", content_of(fd, 7))
	close(fd)
end)

test("writev: sixty parts", function()
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

test("data shorter than its buffer is filled up with zeros", function()
	local fd = memfd("")
	vm:syscall_ptr("writev", { [1] = pack("x8 u64", 8) },
		{ { buf_idx = 1, ptr_offset = 0, data_len = 8, data = "abc" } }, fd, 0, 1)
	assert_eq("abc\0\0\0\0\0", content_of(fd, 8))
	close(fd)
end)

test("sendmsg and recvmsg: a pointer inside of what a pointer leads to", function()
	local ret, sv = vm:syscall_bufs("socketpair", { [3] = zeros(8) }, linux.AF_UNIX, linux.SOCK_DGRAM, 0, 0)
	assert_eq(0, ret)
	local a, b = unpack("i32 i32", sv)
	local msghdr = pack("x16 x8 u64 x24", 1)	-- at 16 the iovec array, at 24 how many
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

test("sendmsg passes a descriptor, recvmsg makes a new one of it", function()
	local _, sv = vm:syscall_bufs("socketpair", { [3] = zeros(8) }, linux.AF_UNIX, linux.SOCK_STREAM, 0, 0)
	local a, b = unpack("i32 i32", sv)
	local file = memfd("passed on")
	local msghdr = pack("x16 x8 u64 x8 u64 x8", 1, 24)	-- at 32 the control message
	local control = pack("u64 i32 i32 i32 x4", 20, linux.SOL_SOCKET, linux.SCM_RIGHTS, file)
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

test("io_submit: three pointers deep, an array to an iocb to an iovec to the bytes", function()
	local IOCB_CMD_PWRITEV = 8
	local fd = memfd("")
	local ret, ctx = vm:syscall_bufs("io_setup", { [1] = zeros(8) }, 1, 0)
	assert_eq(0, ret)
	local context = unpack("u64", ctx)
	-- struct iocb: a tag, the command at 16, the descriptor at 20, a pointer at 24, how many at 32.
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

-- --- waiting ---

test("futex: a value that is another is EAGAIN", function()
	assert_errno("EAGAIN", (vm:syscall_bufs("futex", { [0] = pack("u32", 1) }, 0, linux.FUTEX_WAIT, 2, 0)))
end)

test("futex: nobody wakes it in time, ETIMEDOUT", function()
	local one_ms = pack("i64 i64", 0, 1000000)
	assert_errno("ETIMEDOUT", (vm:syscall_bufs("futex", { [0] = pack("u32", 1), [3] = one_ms }, 0,
		linux.FUTEX_WAIT, 1, 0)))
end)

test("futex: nobody waits, nobody is woken", function()
	assert_eq(0, (vm:syscall_bufs("futex", { [0] = pack("u32", 1) }, 0, linux.FUTEX_WAKE, 1)))
end)

test("eventfd adds up, and reading takes all", function()
	local fd = vm:syscall("eventfd2", 2, 0)
	vm:syscall_buf("write", 1, pack("u64", 40), fd, 0, 8)
	local ret, sum = vm:syscall_bufs("read", { [1] = zeros(8) }, fd, 0, 8)
	assert_eq({ 8, 42 }, { ret, (unpack("u64", sum)) })
	close(fd)
end)

test("epoll tells which descriptor is ready", function()
	local ep = vm:syscall("epoll_create1", 0)
	local r, w = pipe()
	local event = pack("u32 u64", linux.EPOLLIN, 4711)
	assert_eq(0, vm:syscall_buf("epoll_ctl", 3, event, ep, linux.EPOLL_CTL_ADD, r, 0))
	assert_eq(0, (vm:syscall_bufs("epoll_wait", { [1] = zeros(12) }, ep, 0, 1, 0)))
	vm:syscall_buf("write", 1, "x", w, 0, 1)
	local n, ready = vm:syscall_bufs("epoll_wait", { [1] = zeros(12) }, ep, 0, 1, 0)
	assert_eq(1, n)
	assert_eq({ linux.EPOLLIN, 4711 }, { unpack("u32 u64", ready) })
	close(ep, r, w)
end)

test("epoll: a descriptor twice is EEXIST", function()
	local ep = vm:syscall("epoll_create1", 0)
	local r, w = pipe()
	local event = pack("u32 u64", linux.EPOLLIN, 0)
	vm:syscall_buf("epoll_ctl", 3, event, ep, linux.EPOLL_CTL_ADD, r, 0)
	assert_errno("EEXIST", vm:syscall_buf("epoll_ctl", 3, event, ep, linux.EPOLL_CTL_ADD, r, 0))
	close(ep, r, w)
end)

-- --- names, rings, ioctls ---

test("prctl: a name that was set is got back, cut at 15 letters", function()
	local _, before = vm:syscall_bufs("prctl", { [1] = zeros(16) }, linux.PR_GET_NAME, 0)
	assert_eq(0, vm:syscall_buf("prctl", 1, "a-name-that-is-too-long\0", linux.PR_SET_NAME, 0))
	local ret, name = vm:syscall_bufs("prctl", { [1] = zeros(16) }, linux.PR_GET_NAME, 0)
	assert_eq(0, ret)
	assert_eq("a-name-that-is-\0", name)
	vm:syscall_buf("prctl", 1, before, linux.PR_SET_NAME, 0)
end)

test("memfd_create: an unknown flag is EINVAL", function()
	assert_errno("EINVAL", vm:syscall_buf("memfd_create", 0, "x\0", 0, 0x8000))
end)

test("io_uring_setup fills in what it made", function()
	local fd, params = vm:syscall_bufs("io_uring_setup", { [1] = zeros(120) }, 8, 0)
	assert(fd >= 0, fd)
	assert_eq({ 8, 16 }, { unpack("u32 u32", params) })
	close(fd)
end)

test("io_uring_setup: no entries is EINVAL", function()
	assert_errno("EINVAL", (vm:syscall_bufs("io_uring_setup", { [1] = zeros(120) }, 0, 0)))
end)

test("ioctl from before the direction bits: TCGETS gives what is there", function()
	local fd = open("/dev/ptmx", linux.O_RDWR)
	local ret, termios = vm:ioctl(fd, linux.TCGETS, zeros(36))
	assert_eq(0, ret)
	assert_eq(3, termios:byte(18))		-- c_cc[VINTR] is ^C
	close(fd)
end)

test("ioctl with bits: _IOR and _IOW on a terminal", function()
	local fd = open("/dev/ptmx", linux.O_RDWR)
	local ret, number = vm:ioctl(fd, linux.TIOCGPTN)
	assert_eq(0, ret)
	assert_eq(0, (vm:ioctl(fd, linux.TIOCSPTLCK, pack("i32", 0))))
	assert(vm:exec(("test -c /dev/pts/%d"):format(unpack("u32", number))).ok)
	close(fd)
end)

test("ioctl: how much a pipe holds", function()
	local r, w = pipe()
	vm:syscall_buf("write", 1, "12345", w, 0, 5)
	local ret, n = vm:ioctl(r, linux.FIONREAD, zeros(4))
	assert_eq({ 0, 5 }, { ret, (unpack("i32", n)) })
	close(r, w)
end)

test("ioctl: a file that knows none is ENOTTY", function()
	local fd = memfd("")
	assert_errno("ENOTTY", (vm:ioctl(fd, linux.TCGETS, zeros(36))))
	close(fd)
end)

test("ioctl: no descriptor is EBADF", function()
	assert_errno("EBADF", (vm:ioctl(999, linux.TCGETS, zeros(36))))
end)

-- --- what cannot be meant ---

test("more than 16 MiB in one call is refused, naming both sizes", function()
	assert_error(function() vm:syscall_buf("write", 1, zeros(17 << 20), 1, 0, 0) end, "17825792 bytes; 16 MiB is the most")
end)

test("a buffer for an argument that there is not is refused", function()
	assert_error(function() vm:syscall_buf("getpid", 6, "x") end, "expected an argument's number, 0 to 5, got 6")
	assert_error(function() vm:syscall_bufs("getpid", { x = "" }) end, "got x")
end)

test("a buffer that is no string is refused", function()
	assert_error(function() vm:syscall_buf("write", 1, 42, 1, 0, 2) end, "data: expected a string, got number")
	assert_error(function() vm:syscall_bufs("write", { [1] = {} }, 1, 0, 2) end, "buffer 1: expected a string, got table")
end)

local function readv(specs) vm:syscall_ptr("readv", { [1] = zeros(16) }, specs, 0, 0, 1) end

test("a pointer that does not fit in its buffer is refused", function()
	assert_error(function() readv { { buf_idx = 1, ptr_offset = 9, data_len = 1 } } end,
		"ptr_offset 9: an address takes 8 bytes, the buffer has 16")
end)

test("a pointer into a buffer that there is not is refused", function()
	assert_error(function() readv { { buf_idx = 2, ptr_offset = 0, data_len = 1 } } end,
		"buf_idx: there is no buffer 2")
end)

test("a parent that comes later is refused", function()
	assert_error(function() readv { { parent = 1, ptr_offset = 0, data_len = 1 } } end,
		"parent: expected the number of an earlier pointer, got 1")
end)

test("data longer than its buffer is refused", function()
	assert_error(function() readv { { buf_idx = 1, ptr_offset = 0, data_len = 2, data = "abc" } } end,
		"3 bytes of data for a buffer of 2")
end)

test("none of these left a descriptor open", function()
	assert_eq(3, vm:syscall("dup", 0))
	close(3)
end)
