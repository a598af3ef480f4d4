-- SPDX-License-Identifier: GPL-2.0-only
-- The agent's vsock listener, in a real kernel: a second agent listens in the guest, and
-- the test talks to it by raw system calls over vsock's loopback (CID 1).

local AF_VSOCK, SOCK_STREAM, CID_LOCAL, PORT = 40, 1, 1, 5200
local REQUEST, REPLY, READY = 1, 2, 5
local HELLO, ECHO, SYSCALL = 1, 16, 17

local vm = provium.create("minimal"):boot()

-- sockaddr_vm: family, reserved, port, cid, flags and padding (vsock(7)).
local address = provium.pack("u16 u16 u32 u32 x4", AF_VSOCK, 0, PORT, CID_LOCAL)

local function connect()
	local fd = vm:syscall("socket", AF_VSOCK, SOCK_STREAM, 0)
	assert(fd >= 3, "socket: " .. fd)
	local ret = vm:syscall_buf("connect", 1, address, fd, 0, #address)
	if ret < 0 then vm:syscall("close", fd) end
	return ret == 0 and fd, ret
end

local function read_exactly(fd, n)
	local data = ""
	while #data < n do
		local ret, piece = vm:syscall_bufs("read", { [1] = ("\0"):rep(n - #data) }, fd, 0, n - #data)
		assert(ret > 0, ("read: %d after %d of %d bytes"):format(ret, #data, n))
		data = data .. piece:sub(1, ret)
	end
	return data
end

local function read_frame(fd)
	local len, tag, chan, op, kind = provium.unpack("u32 u32 u32 u16 u16", read_exactly(fd, 16))
	return { tag = tag, chan = chan, op = op, kind = kind, payload = read_exactly(fd, len) }
end

local function request(fd, tag, chan, op, payload)
	local frame = provium.pack("u32 u32 u32 u16 u16", #payload, tag, chan, op, REQUEST) .. payload
	assert_eq(#frame, vm:syscall_buf("write", 1, frame, fd, 0, #frame))
	return read_frame(fd)
end

local first, fingerprint

test("a second agent listens", function()
	vm:exec(("/.provium/agent --vsock %d >/tmp/agent.log 2>&1 &"):format(PORT))
	first = vm:wait_until(function() return (connect()) end, { interval = 0.02, desc = "the listener" })
end)

test("on a connection it says ready, with fingerprint, version and kernel", function()
	local ready = read_frame(first)
	assert_eq(READY, ready.kind)
	fingerprint = provium.unpack("u64", ready.payload)
	assert_contains(ready.payload, vm:exec("uname -r").stdout.trim())
end)

test("after our hello it does system calls", function()
	local hello = request(first, 1, 0, HELLO, provium.pack("u64 u32", fingerprint, 0))
	assert_eq({ REPLY, 1 }, { hello.kind, hello.tag })
	local getpid = provium.pack("i64 x48 u32", provium.nr.getpid, 0)
	local reply = request(first, 2, 1, SYSCALL, getpid)
	assert_eq({ REPLY, 2, 1 }, { reply.kind, reply.tag, reply.chan })
	local pid = provium.unpack("i64", reply.payload)
	assert_contains(vm:read_file(("/proc/%d/comm"):format(pid)), "agent")
end)

test("100 echoes of all sizes up to 64 KiB come back whole", function()
	for i = 1, 100 do
		local data = ("x"):rep((i * 7919) % 65536)
		local reply = request(first, 10 + i, 1, ECHO, provium.pack("u32", #data) .. data)
		assert_eq(10 + i, reply.tag)
		assert_eq(#data + 4, #reply.payload)
	end
end)

test("a new connection takes over from the one before", function()
	local second = assert(connect())
	assert_eq(READY, read_frame(second).kind)
	assert_eq(0, (vm:syscall_bufs("read", { [1] = ("\0"):rep(16) }, first, 0, 16)), "the old one is at its end")
	local hello = request(second, 1, 0, HELLO, provium.pack("u64 u32", fingerprint, 0))
	assert_eq(REPLY, hello.kind)
	local reply = request(second, 2, 1, ECHO, provium.pack("u32", 2) .. "ab")
	assert_contains(reply.payload, "ab")
end)

test("nobody listens on the runner's own port: this VM has a virtio-serial port", function()
	local other = provium.pack("u16 u16 u32 u32 x4", AF_VSOCK, 0, 5123, CID_LOCAL)
	local fd = vm:syscall("socket", AF_VSOCK, SOCK_STREAM, 0)
	assert_errno("ECONNRESET", vm:syscall_buf("connect", 1, other, fd, 0, #other))
end)
