-- SPDX-License-Identifier: GPL-2.0-only
-- Guards: a page that is not mapped follows each buffer and a canary precedes
-- it, so that a kernel that writes too much is noticed.

local echo = require "echo_device"
local C = provium.const
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create():boot()
vm:insmod("echo")
local fd = echo.open(vm)

local function zeros(n) return ("\0"):rep(n) end

-- --- the kernel is told of a larger buffer than there is ---

test("a struct one byte too short for the kernel returns EFAULT", function()
	assert_errno("EFAULT", (vm:syscall_bufs("uname", { [0] = zeros(389) }, 0)))
	assert_errno("EFAULT", (vm:syscall_bufs("clock_gettime", { [1] = zeros(15) }, C.CLOCK_REALTIME, 0)))
end)

test("a struct of exactly the kernel's size is filled", function()
	assert_eq(0, (vm:syscall_bufs("uname", { [0] = zeros(390) }, 0)))
	assert_eq(0, (vm:syscall_bufs("clock_gettime", { [1] = zeros(16) }, C.CLOCK_REALTIME, 0)))
end)

local function pipe_with(data)
	local _, fds = vm:syscall_bufs("pipe2", { [0] = zeros(8) }, 0, 0)
	local r, w = unpack("i32 i32", fds)
	vm:syscall_buf("write", 1, data, w, 0, #data)
	return r, w
end

test("a read into a buffer one byte too short returns EFAULT", function()
	local r, w = pipe_with("123456789")
	assert_errno("EFAULT", (vm:syscall_bufs("read", { [1] = zeros(8) }, r, 0, 9)))
	vm:syscall("close", r)
	vm:syscall("close", w)
end)

test("a write of one byte more than the buffer has returns EFAULT", function()
	local r, w = pipe_with("")
	assert_errno("EFAULT", vm:syscall_buf("write", 1, "12345678", w, 0, 9))
	vm:syscall("close", r)
	vm:syscall("close", w)
end)

test("a path without its terminating zero returns EFAULT", function()
	assert_errno("EFAULT", vm:syscall_buf("openat", 1, "/tmp", C.AT_FDCWD, 0, C.O_RDONLY))
end)

test("the guard page begins right after a buffer of any size", function()
	for _, size in ipairs { 1, 7, 8, 4095, 4096, 4097, 16384, 65536, 1 << 20 } do
		assert_eq(size, (vm:syscall_bufs("getrandom", { [0] = zeros(size) }, 0, size, 0)), "size " .. size)
		-- getrandom stops at the guard page, and returns how many bytes
		-- it wrote.
		assert_eq(size, (vm:syscall_bufs("getrandom", { [0] = zeros(size) }, 0, size + 1, 0)), "size " .. size)
	end
end)

test("a guard page follows a buffer to which a pointer in a struct points", function()
	local r, w = pipe_with("123456")
	assert_errno("EFAULT", (vm:syscall_ptr("readv", { [1] = pack("x8 u64", 6) },
		{ { buf_idx = 1, ptr_offset = 0, data_len = 5, output = true } }, r, 0, 1)))
	vm:syscall("close", r)
	vm:syscall("close", w)
end)

test("a guard page follows the last of forty buffers to which pointers point", function()
	local iov, specs = {}, {}
	for i = 1, 40 do
		iov[i] = pack("x8 u64", 4)
		specs[i] = { buf_idx = 1, ptr_offset = (i - 1) * 16, data_len = i < 40 and 4 or 3, data = "abc" }
	end
	local r, w = pipe_with("")
	assert_errno("EFAULT", (vm:syscall_ptr("writev", { [1] = table.concat(iov) }, specs, w, 0, 40)))
	assert_eq(156, (vm:syscall_ptr("writev", { [1] = table.concat(iov) }, specs, w, 0, 39)))
	vm:syscall("close", r)
	vm:syscall("close", w)
end)

-- --- the kernel writes outside of a buffer ---

local function stray(cmd, len, more)
	return vm:ioctl_buf(fd, cmd, pack("u32 u32 x8", len, more),
		{ { ptr_offset = 8, buf_len = len, output = true } })
end

test("a kernel that fills a buffer exactly causes no error", function()
	local ret, _, buf = stray(echo.OVERRUN, 8, 0)
	assert_eq(0, ret)
	assert_eq(("\xee"):rep(8), buf)
end)

test("a kernel write of one byte past a buffer's end returns EFAULT", function()
	assert_errno("EFAULT", (stray(echo.OVERRUN, 8, 1)))
end)

test("a kernel write of a page past a buffer's end returns EFAULT", function()
	assert_errno("EFAULT", (stray(echo.OVERRUN, 8, 4096)))
end)

test("a kernel write past the end of an ioctl's argument returns EFAULT", function()
	assert_errno("EFAULT", (vm:ioctl(fd, echo.OVERRUN_ARG)))
end)

test("a kernel write of one byte before a buffer is reported with the buffer's number", function()
	assert_error(function() stray(echo.UNDERRUN, 8, 1) end,
		"the kernel wrote before the start of buffer 1 %(from 1 bytes before it on%)")
end)

test("a kernel write of 100 bytes before a buffer is reported with the distance", function()
	assert_error(function() stray(echo.UNDERRUN, 8, 100) end, "buffer 1 %(from 100 bytes before it on%)")
end)

test("a kernel write that begins before the canary is reported", function()
	assert_error(function() stray(echo.UNDERRUN, 8, 4000) end, "the kernel wrote before the start of buffer 1")
end)

test("a kernel write before a large buffer with a mapping of its own is reported", function()
	assert_error(function()
		vm:ioctl_buf(fd, echo.UNDERRUN, pack("u32 u32 x8", 8, 1), { { ptr_offset = 8, buf_len = 1 << 20 } })
	end, "the kernel wrote before the start of buffer 1")
end)

test("a kernel write before an ioctl's argument is reported", function()
	assert_error(function() vm:ioctl(fd, echo.UNDERRUN_ARG) end, "the kernel wrote before the start of buffer 0")
end)

test("a kernel write before a buffer that is not returned is reported", function()
	assert_error(function()
		vm:ioctl_buf(fd, echo.UNDERRUN, pack("u32 u32 x8", 8, 1),
			{ { ptr_offset = 8, buf_len = 8, output = false } })
	end, "the kernel wrote before the start")
end)

test("a call after a reported kernel write works as usual", function()
	assert_error(function() stray(echo.UNDERRUN, 8, 100) end, "before the start")
	local ret, _, buf = stray(echo.OVERRUN, 16, 0)
	assert_eq(0, ret)
	assert_eq(("\xee"):rep(16), buf)
end)
