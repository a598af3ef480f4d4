-- SPDX-License-Identifier: GPL-2.0-only
-- Raw system calls and ioctls, with buffers and with pointers inside of
-- buffers.
--
-- A call is sent as its six argument words and a list of segments (struct seg
-- in agent/wire/protocol.h).  A segment is a buffer in the guest; its address
-- becomes an argument (arg) or is stored in another segment (parent and
-- offset).  Segments are numbered from 0 on the wire, and from 1 in Lua's
-- lists.

local core = require "provium.core"
local calls = require "provium.calls"
local errors = require "provium.errors"
local options = require "provium.options"
local pack = require "provium.pack"
local pointer = require "provium.pointer"
local suggest = require "provium.suggest"

local check_string = options.string
local NR = core.nr

local methods = {}

local POINTER_BYTES = 8
local MAX_ARGS = 6
local ARGS = { "a0", "a1", "a2", "a3", "a4", "a5" }

-- --- numbers and arguments ---

-- Returns the number of a system call on this VM, whose modules may have added
-- some.
local function number_of(vm, nr)
	if math.type(nr) == "integer" then return nr end
	if type(nr) ~= "string" then
		error(("syscall: expected a name or a number, got %s"):format(type(nr)), 0)
	end
	local number = NR[nr] or calls.number_of(vm, nr)
	if number then return number end
	error(("syscall: there is no system call \"%s\" on x86-64%s"):format(nr, suggest(nr, NR)), 0)
end

local function name_of(nr)
	return type(nr) == "string" and nr or NR[nr] or tostring(nr)
end

-- Returns the request for a method's call, without segments. n: the number of
-- arguments; take(i, v): returns the word to send for argument i (from 0) if it
-- is no integer, or nil.
local function new_request(vm, method, take, nr, n, ...)
	local request = { nr = number_of(vm, nr) }
	if n > MAX_ARGS then
		error(("%s %s: %d arguments; a system call takes at most %d"):format(method, name_of(nr), n, MAX_ARGS), 0)
	end
	for i = 1, n do
		local v = (select(i, ...))
		request[ARGS[i]] = take(i - 1, v) or math.type(v) == "integer" and v or
			error(("%s %s: argument %d: expected an integer%s, got %s"):format(method, name_of(nr), i - 1,
				method == "syscall" and ", a string, out(), inout() or struct()" or "",
				math.type(v) or type(v)), 0)
	end
	return request
end

-- Returns take() of new_request() for the methods that get their buffers as a
-- table: a value in the place of a buffer is nearly always a shifted argument.
local function take_placeholder(method, nr, bufs)
	return function(i, v)
		if bufs[i] == nil then return nil end
		if v == nil or v == 0 then return 0 end
		error(("%s %s: argument %d: the buffer's address is passed here; expected 0 or nil in its place, got %s")
			:format(method, name_of(nr), i, tostring(v)), 0)
	end
end

-- Sends the call. Returns its result, and the contents of the segments with out
-- set, by segment number. Raises an error if the kernel has written before the
-- start of a segment.
local function call(vm, request, segs, label)
	request.segs = segs
	local reply = vm:op("syscall", request, label)
	local outs = {}
	for _, out in ipairs(reply.outs) do
		if out.under > 0 then
			errors.raise(errors.KIND.fail,
				"%s: the kernel wrote before the start of buffer %d (from %d bytes before it on)",
				label, out.seg, out.under)
		end
		outs[out.seg] = out.data
	end
	return reply.ret, outs
end

-- --- segments: the buffers of a call ---

local function check_index(method, idx)
	if math.type(idx) ~= "integer" or idx < 0 or idx >= MAX_ARGS then
		error(("%s: buffer index: expected an argument's number, 0 to 5, got %s"):format(method, tostring(idx)), 0)
	end
	return idx
end

local function check_size(label, field, v)
	if math.type(v) ~= "integer" or v < 0 or v > 0xffffffff then
		error(("%s: %s: expected an integer of 0 or more, got %s"):format(label, field, tostring(v)), 0)
	end
	return v
end

local function check_buffers(method, bufs)
	if type(bufs) ~= "table" then
		error(("%s: buffers: expected a table {[index] = data}, got %s"):format(method, type(bufs)), 0)
	end
	for idx in pairs(bufs) do check_index(method, idx) end
	return bufs
end

-- Returns the segments for the Pointers {[argument] = Pointer}, in ascending
-- order of the arguments.
local function argument_segs(pointers)
	local segs = {}
	for idx = 0, MAX_ARGS - 1 do
		if pointers[idx] then pointer.add_segments(segs, pointers[idx], idx, -1) end
	end
	return segs
end

-- Returns the segments for the buffers {[argument] = data or Pointer}, in the
-- same order; here data are a result, too.
local function buffer_segs(method, bufs)
	local pointers = {}
	for idx, v in pairs(bufs) do
		pointers[idx] = pointer.is(v) and v or
			pointer.inout(check_string(method, ("buffer %d"):format(idx), v))
	end
	return argument_segs(pointers)
end

-- Returns the number of the segment that contains the nth pointer of a test's
-- list.
local function parent_of(spec, n, nr_before, label, buffer_of)
	if not spec.parent then return buffer_of(spec, label) end
	if math.type(spec.parent) ~= "integer" or spec.parent < 1 or spec.parent >= n then
		error(("%s: parent: expected the number of an earlier pointer, got %s"):format(label,
			tostring(spec.parent)), 0)
	end
	return nr_before + spec.parent - 1
end

-- Appends a segment for each pointer in specs.  buffer_of(spec, label) returns
-- the segment number of a pointer's buffer, if the pointer has no parent.
local function add_pointers(method, segs, specs, buffer_of)
	local nr_before = #segs
	if type(specs) ~= "table" then
		error(("%s: pointers: expected a list of tables, got %s"):format(method, type(specs)), 0)
	end
	for n, spec in ipairs(specs) do
		local label = ("%s: pointer %d"):format(method, n)
		local data = spec.data and check_string(label, "data", spec.data) or ""
		local len = check_size(label, "length", spec.data_len or spec.buf_len or #data)
		local offset = check_size(label, "ptr_offset", spec.ptr_offset)
		local parent = parent_of(spec, n, nr_before, label, buffer_of)
		local parent_len = segs[parent + 1].len
		if offset + POINTER_BYTES > parent_len then
			error(("%s: ptr_offset %d: an address takes 8 bytes, the buffer has %d"):format(label, offset, parent_len), 0)
		end
		if #data > len then
			error(("%s: %d bytes of data for a buffer of %d"):format(label, #data, len), 0)
		end
		segs[#segs + 1] = { arg = -1, parent = parent, offset = offset, len = len, data = data,
			out = spec.output and 1 or 0 }
	end
end

-- Returns ret, and the contents of each segment with out set.
local function results(ret, segs, outs)
	local list = {}
	for i, seg in ipairs(segs) do
		if seg.out == 1 then list[#list + 1] = outs[i - 1] end
	end
	return ret, table.unpack(list)
end

-- --- system calls ---

function methods:syscall(nr, ...)
	local pointers
	local request = new_request(self, "syscall", function(i, v)
		local to = math.type(v) ~= "integer" and pointer.of(v) or nil
		if not to then return nil end
		pointers = pointers or {}
		pointers[i] = to
		return 0
	end, nr, select("#", ...), ...)
	local label = "syscall " .. name_of(nr)
	if not pointers then return (call(self, request, nil, label)) end
	local segs = argument_segs(pointers)
	local ret, outs = call(self, request, segs, label)
	return results(ret, segs, outs)
end

function methods:syscall_buf(nr, idx, data, ...)
	local take = take_placeholder("syscall_buf", nr, { [check_index("syscall_buf", idx)] = true })
	local request = new_request(self, "syscall_buf", take, nr, select("#", ...), ...)
	data = check_string("syscall_buf", "data", data)
	local seg = { arg = idx, parent = -1, len = #data, data = data }
	return (call(self, request, { seg }, "syscall " .. name_of(nr)))
end

function methods:syscall_bufs(nr, bufs, ...)
	local take = take_placeholder("syscall_bufs", nr, check_buffers("syscall_bufs", bufs))
	local request = new_request(self, "syscall_bufs", take, nr, select("#", ...), ...)
	local segs = buffer_segs("syscall_bufs", bufs)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

function methods:syscall_ptr(nr, bufs, ptrs, ...)
	local take = take_placeholder("syscall_ptr", nr, check_buffers("syscall_ptr", bufs))
	local request = new_request(self, "syscall_ptr", take, nr, select("#", ...), ...)
	local segs = buffer_segs("syscall_ptr", bufs)
	local by_arg = {}
	for i, seg in ipairs(segs) do by_arg[seg.arg] = i - 1 end
	add_pointers("syscall_ptr", segs, ptrs, function(spec, label)
		return by_arg[spec.buf_idx] or
			error(("%s: buf_idx: there is no buffer %s"):format(label, tostring(spec.buf_idx)), 0)
	end)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

-- --- ioctls ---

-- Returns the request, the command and the call's label.
local function ioctl_request(method, fd, cmd)
	for field, v in pairs { fd = fd, cmd = cmd } do
		if math.type(v) ~= "integer" then
			error(("%s: %s: expected an integer, got %s"):format(method, field, math.type(v) or type(v)), 0)
		end
	end
	-- In C, _IOR gives a negative int; only the low 32 bits are the
	-- command.
	cmd = cmd & 0xffffffff
	return { nr = NR.ioctl, a0 = fd, a1 = cmd }, cmd, ("%s 0x%x"):format(method, cmd)
end

function methods:ioctl(fd, cmd, data)
	local request, command, label = ioctl_request("ioctl", fd, cmd)
	local writes, reads, size = pack.ioc_decode(command)
	if math.type(data) == "integer" then	-- the argument is a value, not an address
		request.a2 = data
		return (call(self, request, nil, label))
	end
	if data == nil and size == 0 then return (call(self, request, nil, label)) end
	local to = pointer.of(data == nil and "" or data) or
		error(("ioctl: data: expected a string, an integer, out(), inout() or struct(), got %s"):format(type(data)), 0)
	if to.len > 0 and to.len < size then
		error(("%s: data: the command's number says %d bytes, got %d"):format(label, size, to.len), 0)
	end
	local segs = {}
	pointer.add_segments(segs, to, 2, -1)
	segs[1].len = math.max(size, to.len)
	-- A command that is older than the direction bits (TCGETS) can read and
	-- write.
	segs[1].out = (to.is_out or reads or not writes) and 1 or 0
	local ret, outs = call(self, request, segs, label)
	return results(ret, segs, outs)
end

function methods:ioctl_buf(fd, cmd, struct, specs)
	local request, command, label = ioctl_request("ioctl_buf", fd, cmd)
	local _, _, size = pack.ioc_decode(command)
	struct = check_string("ioctl_buf", "struct", struct)
	local segs = { { arg = 2, parent = -1, len = math.max(size, #struct), data = struct, out = 1 } }
	add_pointers("ioctl_buf", segs, specs, function() return 0 end)
	local ret, outs = call(self, request, segs, label)
	return results(ret, segs, outs)
end

return { methods = methods, call = call }
