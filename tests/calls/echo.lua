-- SPDX-License-Identifier: GPL-2.0-only
-- modules/echo: every ioctl of the module, with all its errors.

local echo = require "echo_device"
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create():boot()
vm:insmod("echo")
local fd = echo.open(vm)

local function value(v) return pack("u32 u32", v, 0) end

-- Calls fn with a new descriptor of the device, which has its own value.
local function with_device(fn)
	local own = echo.open(vm)
	fn(own)
	vm:syscall("close", own)
end

-- Returns the descriptor's value, and how often it was set.
local function get(device)
	local ret, v = vm:ioctl(device, echo.GET)
	assert_eq(0, ret)
	return { unpack("u32 u32", v) }
end

test("the loaded module has a device that every user can open", function()
	assert_eq("crw-rw-rw-", vm:exec("ls -l /dev/echo").stdout:match("^%S+"))
	assert(fd >= 3, fd)
end)

-- --- GET, SET and SWAP: the value of a descriptor ---

test("GET of a new descriptor returns the value 0, which was set 0 times", function()
	with_device(function(own) assert_eq({ 0, 0 }, get(own)) end)
end)

test("GET returns the value that SET stored, and how often it was set", function()
	with_device(function(own)
		local ret, nothing = vm:ioctl(own, echo.SET, value(42))
		assert_eq(0, ret)
		assert_eq(nil, nothing)
		assert_eq({ 42, 1 }, get(own))
	end)
end)

test("SWAP sets the value and returns the previous value", function()
	with_device(function(own)
		vm:ioctl(own, echo.SET, value(42))
		local ret, v = vm:ioctl(own, echo.SWAP, value(0xffffffff))
		assert_eq(0, ret)
		assert_eq({ 42, 1 }, { unpack("u32 u32", v) })
		assert_eq({ 0xffffffff, 2 }, get(own))
	end)
end)

test("SET and SWAP with `sets` other than 0 return EINVAL and set nothing", function()
	with_device(function(own)
		vm:ioctl(own, echo.SET, value(42))
		assert_errno("EINVAL", (vm:ioctl(own, echo.SET, pack("u32 u32", 1, 1))))
		assert_errno("EINVAL", (vm:ioctl(own, echo.SWAP, pack("u32 u32", 1, 1))))
		assert_eq({ 42, 1 }, get(own))
	end)
end)

test("each open descriptor of the device has its own value", function()
	with_device(function(own)
		vm:ioctl(fd, echo.SET, value(42))
		assert_eq({ 0, 0 }, get(own))
	end)
end)

test("NOP, an ioctl without an argument, returns the kernel's result and no data", function()
	local ret, nothing = vm:ioctl(fd, echo.NOP)
	assert_eq(69, ret)
	assert_eq(nil, nothing)
end)

test("ioctl data longer than the command's size is passed and returned whole", function()
	vm:ioctl(fd, echo.SET, value(7))
	local ret, v = vm:ioctl(fd, echo.SWAP, value(8) .. "tail")
	assert_eq(0, ret)
	assert_eq(12, #v)
	assert_eq("tail", v:sub(9))
end)

-- --- ioctls that do not exist ---

test("an ioctl with an unknown number returns ENOTTY", function()
	assert_errno("ENOTTY", (vm:ioctl(fd, provium.IOWR("E", 0x7f, 8), value(1))))
end)

test("an ioctl with a known number and another size returns ENOTTY", function()
	assert_errno("ENOTTY", (vm:ioctl(fd, provium.IOR("E", 0x01, 16))))
end)

test("an ioctl with an invalid address returns EFAULT", function()
	for _, cmd in ipairs { echo.GET, echo.SET, echo.SWAP, echo.REVERSE, echo.UPPER, echo.COUNT, echo.ADD } do
		assert_errno("EFAULT", vm:syscall("ioctl", fd, cmd, 8))
	end
end)

-- --- REVERSE: two pointers in a struct ---

local function reverse(data, room, in_len)
	return vm:ioctl_buf(fd, echo.REVERSE, pack("u32 u32 x16", in_len or #data, room), {
		{ ptr_offset = 8, buf_len = #data, data = data },
		{ ptr_offset = 16, buf_len = room, output = true },
	})
end

test("REVERSE reads one buffer and writes another, both by pointers in its struct", function()
	local ret, args, out = reverse("stressed", 8)
	assert_eq(0, ret)
	assert_eq({ 8, 8 }, { unpack("u32 u32", args) })
	assert_eq("desserts", out)
end)

test("REVERSE with more room than input writes the input's length only", function()
	local ret, args, out = reverse("ab", 4)
	assert_eq(0, ret)
	assert_eq(2, unpack("u32", args, 4))
	assert_eq("ba\0\0", out)
end)

test("REVERSE with too small a buffer returns ERANGE with the size needed", function()
	local ret, args, out = reverse("stressed", 7)
	assert_errno("ERANGE", ret)
	assert_eq(8, unpack("u32", args, 4))
	assert_eq(("\0"):rep(7), out)
end)

test("REVERSE without room returns the size needed, and a call with that size works", function()
	local ret, args = reverse("drawer", 0)
	assert_errno("ERANGE", ret)
	local _, _, out = reverse("drawer", unpack("u32", args, 4))
	assert_eq("reward", out)
end)

test("REVERSE of more than 4096 bytes returns E2BIG", function()
	assert_eq(0, (reverse(("x"):rep(4096), 4096)))
	assert_errno("E2BIG", (reverse(("x"):rep(4097), 4097)))
end)

test("REVERSE with an input shorter than its length returns EFAULT", function()
	assert_errno("EFAULT", (reverse("stressed", 16, 9)))
end)

test("REVERSE with an output shorter than its length returns EFAULT", function()
	assert_errno("EFAULT", (vm:ioctl_buf(fd, echo.REVERSE, pack("u32 u32 x16", 8, 8), {
		{ ptr_offset = 8, buf_len = 8, data = "stressed" },
		{ ptr_offset = 16, buf_len = 7 },
	})))
end)

-- --- UPPER: a pointer in a struct to which a pointer leads ---

local function upper(data, opts)
	opts = opts or {}
	return vm:ioctl_buf(fd, echo.UPPER, pack("u32 x12", opts.flags or 0), {
		{ ptr_offset = 8, buf_len = 16, data = pack("u32 u32 x8", opts.len or #data, opts.item_flags or 0) },
		{ parent = 1, ptr_offset = 8, buf_len = #data, data = data, output = true },
	})
end

test("UPPER changes a string behind two pointers, and returns the number of changes", function()
	local ret, args, out = upper("Hello, World 1")
	assert_eq(0, ret)
	assert_eq(8, unpack("u32", args, 4))
	assert_eq("HELLO, WORLD 1", out)
end)

test("UPPER of an empty string changes nothing", function()
	local ret, args, out = upper("")
	assert_eq(0, ret)
	assert_eq(0, unpack("u32", args, 4))
	assert_eq("", out)
end)

test("UPPER with unknown flags in either struct returns EINVAL", function()
	assert_errno("EINVAL", (upper("a", { flags = 1 })))
	assert_errno("EINVAL", (upper("a", { item_flags = 1 })))
end)

test("UPPER of more than 4096 bytes returns E2BIG", function()
	assert_errno("E2BIG", (upper("a", { len = 4097 })))
end)

test("UPPER with a length beyond the data returns EFAULT", function()
	assert_errno("EFAULT", (upper("a", { len = 2 })))
end)

test("UPPER with a truncated item returns EFAULT", function()
	assert_errno("EFAULT", (vm:ioctl_buf(fd, echo.UPPER, pack("x16"), { { ptr_offset = 8, buf_len = 15 } })))
end)

-- --- COUNT_SET, COUNT and ADD: one counter for all descriptors ---

test("COUNT_SET, COUNT and ADD use one counter for all descriptors", function()
	local other = echo.open(vm)
	assert_eq(0, (vm:ioctl(fd, echo.COUNT_SET, pack("u64", 40))))
	local ret, sum = vm:ioctl(other, echo.ADD, pack("u64", 2))
	assert_eq({ 0, 42 }, { ret, (unpack("u64", sum)) })
	local _, now = vm:ioctl(fd, echo.COUNT)
	assert_eq(42, (unpack("u64", now)))
	vm:syscall("close", other)
end)

test("ADD_RACY by one caller returns the right sum", function()
	vm:ioctl(fd, echo.COUNT_SET, pack("u64", 1))
	local _, sum = vm:ioctl(fd, echo.ADD_RACY, pack("u64", 1))
	assert_eq(2, (unpack("u64", sum)))
end)

test("an ioctl's u64 above 2^63-1 is the Lua integer with the same bits", function()
	vm:ioctl(fd, echo.COUNT_SET, pack("u64", -2))
	local _, now = vm:ioctl(fd, echo.COUNT)
	assert_eq(-2, (unpack("u64", now)))
	assert_eq("fffffffffffffffe", ("%x"):format((unpack("u64", now))))
	vm:ioctl(fd, echo.COUNT_SET, pack("u64", 0))
end)

-- --- read and write of the device ---

local function write(data) return vm:syscall_buf("write", 1, data, fd, 0, #data) end

local function read(n)
	local ret, data = vm:syscall_bufs("read", { [1] = ("\0"):rep(n) }, fd, 0, n)
	assert(ret >= 0, ret)
	return data:sub(1, ret)
end

test("reads of the device return each written byte once, in order", function()
	assert_eq(5, write("hello"))
	assert_eq(6, write(" world"))
	assert_eq("hel", read(3))
	assert_eq("lo world", read(100))
	assert_eq("", read(100))
end)

test("a write of more than 4096 bytes writes 4096, and the next one returns EAGAIN", function()
	assert_eq(4096, write(("x"):rep(5000)))
	assert_errno("EAGAIN", write("y"))
	assert_eq(4096, #read(5000))
end)

test("a write from an invalid address returns EFAULT and stores nothing", function()
	assert_errno("EFAULT", vm:syscall("write", fd, 8, 4))
	assert_eq("", read(4))
end)

test("a shell command can write to the device and read from it", function()
	assert_eq("through the shell\n", vm:exec("exec 3<>/dev/echo; echo through the shell >&3; head -n 1 <&3").stdout)
end)

test("an ioctl of a closed descriptor returns EBADF", function()
	local own = echo.open(vm)
	assert_eq(0, vm:syscall("close", own))
	assert_errno("EBADF", (vm:ioctl(own, echo.NOP)))
end)
