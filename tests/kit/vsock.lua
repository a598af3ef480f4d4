-- SPDX-License-Identifier: GPL-2.0-only
-- The agent over vsock, as a host that has it would find it: spoken to from inside the guest.
--
-- A second agent listens there, and the frames that go to it are made here by hand
-- (agent/wire/wire.h).  That the host finds the first one, `make test-kvm` shows.

local linux = require "linux"
local pack, unpack = provium.pack, provium.unpack

local PORT, CID_LOOPBACK = 5124, 1
local REQUEST, REPLY, READY = 1, 2, 5
local HELLO, PING, SYSCALL = 1, 2, 17
local HEADER = "u32 u32 u32 u16 u16"	-- length, tag, channel, op, kind

local vm = provium.create("minimal"):boot()

local function connect(port)
	local fd = vm:syscall("socket", linux.AF_VSOCK, linux.SOCK_STREAM, 0)
	local addr = pack("u16 x2 u32 u32 x4", linux.AF_VSOCK, port, CID_LOOPBACK)
	local ret = vm:syscall_buf("connect", 1, addr, fd, 0, 16)
	if ret == 0 then return fd end
	vm:syscall("close", fd)
	return nil, ret
end

local function receive(fd, n)
	local MSG_WAITALL = 0x100
	local ret, data = vm:syscall_bufs("recvfrom", { [1] = ("\0"):rep(n) }, fd, 0, n, MSG_WAITALL, 0, 0)
	return data:sub(1, math.max(ret, 0))
end

-- The next frame: its header's fields, and its payload.
local function frame(fd)
	local header = receive(fd, 16)
	assert_eq(16, #header, "a frame's header")
	local len, tag, channel, op, kind = unpack(HEADER, header)
	return { tag = tag, channel = channel, op = op, kind = kind }, len > 0 and receive(fd, len) or ""
end

local function send(fd, channel, tag, op, payload)
	local data = pack(HEADER, #payload, tag, channel, op, REQUEST) .. payload
	assert_eq(#data, vm:syscall_buf("write", 1, data, fd, 0, #data))
end

local function bytes(s) return pack("u32", #s) .. s end

-- A string of a message, and where the next field is.
local function take(data, at)
	local n = unpack("u32", data, at)
	return data:sub(at + 5, at + 4 + n), at + 4 + n
end

test("with a serial port the agent does not listen: nobody in the guest can take its link", function()
	if vm:transport() == "vsock" then skip "this machine has vsock: the agent has to listen" end
	local fd, ret = connect(5123)
	assert_eq(nil, fd)
	assert_errno("ECONNRESET", ret)
end)

vm:exec(("/.provium/agent --vsock %d >/dev/null 2>&1 &"):format(PORT))
local link = vm:wait_until(function() return (connect(PORT)) end, { interval = 0.01, desc = "a listener on vsock" })
local fingerprint

test("a connection is greeted with a ready frame: protocol, version, and the kernel's release", function()
	local header, payload = frame(link)
	assert_eq({ tag = 0, channel = 0, op = 0, kind = READY }, header)
	fingerprint = unpack("u64", payload)
	local version, at = take(payload, 8)
	local release, rest = take(payload, at)
	assert(version:find("^%d+%.%d+$"), version)
	assert_eq(vm:exec("uname -r").stdout.trim(), release)
	assert_eq(#payload, rest)
end)

test("hello, with the same protocol, is answered", function()
	send(link, 0, 7, HELLO, pack("u64", fingerprint) .. bytes("test"))
	local header, payload = frame(link)
	assert_eq({ tag = 7, channel = 0, op = HELLO, kind = REPLY }, header)
	assert_eq("", payload)
end)

test("ping sends the bytes back", function()
	send(link, 0, 8, PING, bytes("a\0b"))
	local header, payload = frame(link)
	assert_eq({ tag = 8, channel = 0, op = PING, kind = REPLY }, header)
	assert_eq(bytes("a\0b"), payload)
end)

test("system calls are made by an executor of that agent's own", function()
	send(link, 1, 9, SYSCALL, pack("i64 x48 u32", provium.nr.getpid, 0))
	local header, payload = frame(link)
	assert_eq({ tag = 9, channel = 1, op = SYSCALL, kind = REPLY }, header)
	local pid = unpack("i64", payload)
	assert_ne(vm:syscall("getpid"), pid)
	assert_eq("agent\n", vm:read_file(("/proc/%d/comm"):format(pid)))
end)

test("a second connection takes the link over from the first", function()
	local second = assert(connect(PORT))
	local header = frame(second)
	assert_eq(READY, header.kind)
	assert_eq("", receive(link, 1))
	vm:syscall("close", link)
	link = second
end)

test("hello with another protocol is answered by hanging up", function()
	send(link, 0, 1, HELLO, pack("u64", fingerprint ~ 1) .. bytes("test"))
	assert_eq("", receive(link, 1))
	vm:syscall("close", link)
end)

test("so is what is no frame; the listener goes on", function()
	local fd = assert(connect(PORT))
	frame(fd)
	vm:syscall_buf("write", 1, ("\xff"):rep(64), fd, 0, 64)
	assert_eq("", receive(fd, 1))
	vm:syscall("close", fd)
	fd = assert(connect(PORT))
	assert_eq(READY, frame(fd).kind)
	vm:syscall("close", fd)
end)
