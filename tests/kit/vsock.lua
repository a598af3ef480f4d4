-- SPDX-License-Identifier: GPL-2.0-only
-- The agent's protocol over vsock, on hosts without vsock, too.
--
-- A second agent listens inside the guest, and the tests connect to it from the
-- guest, with frames that they pack themselves (agent/wire/wire.h). `make
-- test-kvm` covers the first agent and a host's connection to it.

local runner = require "runner"

-- A kernel with its drivers as modules lacks vsock_loopback here.
if runner.lacks_vmlinux("an agent listens on vsock") then return end

local C = provium.const
local pack, unpack = provium.pack, provium.unpack

local PORT, CID_LOOPBACK = 5124, 1
local REQUEST, REPLY, READY = 1, 2, 5
local HELLO, PING, SYSCALL = 1, 2, 17
local HEADER = "u32 u32 u32 u16 u16"	-- the fields length, tag, channel, op, kind

local vm = provium.create():boot()

local function connect(port)
	local fd = vm:syscall("socket", C.AF_VSOCK, C.SOCK_STREAM, 0)
	local addr = pack("u16 x2 u32 u32 x4", C.AF_VSOCK, port, CID_LOOPBACK)
	local ret = vm:syscall_buf("connect", 1, addr, fd, 0, 16)
	if ret == 0 then return fd end
	vm:syscall("close", fd)
	return nil, ret
end

local function receive(fd, n)
	local ret, data = vm:syscall_bufs("recvfrom", { [1] = ("\0"):rep(n) }, fd, 0, n, C.MSG_WAITALL, 0, 0)
	return data:sub(1, math.max(ret, 0))
end

-- Receives a frame. Returns its header's fields, and its payload.
local function frame(fd)
	local header = receive(fd, 16)
	assert_eq(16, #header, "a frame's header")
	local len, tag, channel, op, kind = unpack(HEADER, header)
	return { tag = tag, channel = channel, op = op, kind = kind }, len > 0 and receive(fd, len) or ""
end

-- Returns a frame with byte stuffing (agent/wire/stuffing.h), of at most 254
-- bytes.
local function stuffed(data)
	local key = 1
	while data:find(string.char(key), 1, true) do key = key + 1 end
	return string.char(key) .. data:gsub(".", function(c) return string.char(c:byte() ~ key) end)
end

local function send(fd, channel, tag, op, payload)
	local data = stuffed(pack(HEADER, #payload, tag, channel, op, REQUEST) .. payload)
	assert_eq(#data, vm:syscall_buf("write", 1, data, fd, 0, #data))
end

local function bytes(s) return pack("u32", #s) .. s end

-- Returns the request `hello`. time_ns: the time to set the clock to.
local function hello(fingerprint, time_ns)
	return pack("u64", fingerprint) .. bytes("test") .. pack("u64", time_ns or 0)
end

-- Returns the string at offset `at` of a message, and the offset of the next
-- field.
local function take(data, at)
	local n = unpack("u32", data, at)
	return data:sub(at + 5, at + 4 + n), at + 4 + n
end

test("an agent with a serial transport does not listen on vsock", function()
	if vm:transport() == "vsock" then skip "the agent of this VM uses vsock" end
	local fd, ret = connect(5123)
	assert_eq(nil, fd)
	assert_errno("ECONNRESET", ret)
end)

vm:exec(("/.provium/agent --vsock %d >/dev/null 2>&1 &"):format(PORT))
vm:syscall("close", vm:wait_until(function()
	return (connect(PORT))
end, { interval = 0.01, desc = "a listener on vsock" }))

-- Returns a new connection on which the agent has sent its ready frame, and the
-- fingerprint in that frame.
local function connect_ready()
	local link = assert(connect(PORT))
	local header, payload = frame(link)
	assert_eq(READY, header.kind)
	return link, (unpack("u64", payload))
end

-- Returns a new connection on which hello has been answered. The agent takes no
-- other request before that.
local function connect_hello()
	local link, fingerprint = connect_ready()
	send(link, 0, 1, HELLO, hello(fingerprint))
	assert_eq(REPLY, frame(link).kind)
	return link
end

local function is_closed(link)
	assert_eq("", receive(link, 1))
	vm:syscall("close", link)
end

test("an agent first sends a ready frame: fingerprint, version, kernel release", function()
	local link = assert(connect(PORT))
	local header, payload = frame(link)
	assert_eq({ tag = 0, channel = 0, op = 0, kind = READY }, header)
	local version, at = take(payload, 8)
	local release, rest = take(payload, at)
	assert(version:find("^%d+%.%d+$"), version)
	assert_eq(vm:exec("uname -r").stdout.trim(), release)
	assert_eq(#payload, rest)
	vm:syscall("close", link)
end)

test("an agent answers a hello that has its fingerprint", function()
	local link, fingerprint = connect_ready()
	send(link, 0, 7, HELLO, hello(fingerprint))
	local header, payload = frame(link)
	assert_eq({ tag = 7, channel = 0, op = HELLO, kind = REPLY }, header)
	assert_eq("", payload)
	vm:syscall("close", link)
end)

test("a hello with a time sets the guest's clock", function()
	local link, fingerprint = connect_ready()
	send(link, 0, 1, HELLO, hello(fingerprint, 1000000000 * 1000000000))
	assert_eq(REPLY, frame(link).kind)
	local _, ts = vm:syscall_bufs("clock_gettime", { [1] = pack("x16") }, C.CLOCK_REALTIME, 0)
	local seconds = unpack("i64", ts)
	assert(seconds >= 1000000000 and seconds < 1000000000 + 3600, seconds)
	vm:syscall("close", link)
end)

test("a hello with another fingerprint makes the agent close the connection", function()
	local link, fingerprint = connect_ready()
	send(link, 0, 1, HELLO, hello(fingerprint ~ 1))
	is_closed(link)
end)

test("a ping is answered with the same bytes", function()
	local link = connect_hello()
	send(link, 0, 8, PING, bytes("a\0b"))
	local header, payload = frame(link)
	assert_eq({ tag = 8, channel = 0, op = PING, kind = REPLY }, header)
	assert_eq(bytes("a\0b"), payload)
	vm:syscall("close", link)
end)

test("a system call over vsock is made by an executor of the agent", function()
	local link = connect_hello()
	send(link, 1, 9, SYSCALL, pack("i64 x48 u32", provium.nr.getpid, 0))
	local header, payload = frame(link)
	assert_eq({ tag = 9, channel = 1, op = SYSCALL, kind = REPLY }, header)
	local pid = unpack("i64", payload)
	assert_ne(vm:syscall("getpid"), pid)
	assert_eq("agent\n", vm:read_file(("/proc/%d/comm"):format(pid)))
	vm:syscall("close", link)
end)

test("a second connection makes the agent close the first", function()
	local first, second = connect_ready(), connect_ready()
	is_closed(first)
	vm:syscall("close", second)
end)

test("an agent closes a connection whose bytes are no frame, and goes on listening", function()
	local link = connect_ready()
	vm:syscall_buf("write", 1, ("\xff"):rep(64), link, 0, 64)
	is_closed(link)
	vm:syscall("close", (connect_ready()))
end)
