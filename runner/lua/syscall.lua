-- SPDX-License-Identifier: GPL-2.0-only
-- Raw system calls and ioctls, with buffers and pointers inside them.

local core = require "provium.core"
local errors = require "provium.errors"
local pack = require "provium.pack"
local suggest = require "provium.suggest"
local check_string = require "provium.options".string

return function(VM)

local NR = core.nr

-- On this VM: a module may have brought it.
local function number_of(vm, nr)
	if math.type(nr) == "integer" then return nr end
	if type(nr) == "string" and NR[nr] then return NR[nr] end
	if type(nr) ~= "string" then
		error(("syscall: expected a name or a number, got %s"):format(type(nr)), 0)
	end
	local of_module = VM.module_number(vm, nr)
	if of_module then return of_module end
	error(("syscall: there is no system call \"%s\" on x86-64%s"):format(nr, suggest(nr, NR)), 0)
end

local function name_of(nr)
	return type(nr) == "string" and nr or core.nr[nr] or tostring(nr)
end

local ARGS = { "a0", "a1", "a2", "a3", "a4", "a5" }

local function request_of(vm, who, nr, n, ...)
	local request = { nr = number_of(vm, nr) }
	if n > 6 then
		error(("%s %s: %d arguments; a system call takes at most 6"):format(who, name_of(nr), n), 0)
	end
	for i = 1, n do
		local v = select(i, ...)
		if math.type(v) ~= "integer" then
			error(("%s %s: argument %d: expected an integer, got %s"):format(who, name_of(nr), i - 1,
				math.type(v) or type(v)), 0)
		end
		request[ARGS[i]] = v
	end
	return request
end

-- Sends it; buffers that the kernel damaged are an error of the kernel's.
local function call(vm, request, segs, what)
	request.segs = segs
	local reply = vm:op("syscall", request, what)
	local outs = {}
	for _, out in ipairs(reply.outs) do
		if out.under > 0 then
			errors.raise(errors.KIND.fail,
				"%s: the kernel wrote before the start of buffer %d (from %d bytes before it on)",
				what, out.seg, out.under)
		end
		outs[out.seg] = out.data
	end
	return reply.ret, outs
end

local function index_of(who, idx)
	if math.type(idx) ~= "integer" or idx < 0 or idx > 5 then
		error(("%s: buffer index: expected an argument's number, 0 to 5, got %s"):format(who, tostring(idx)), 0)
	end
	return idx
end

local function size_of(who, what, v)
	if math.type(v) ~= "integer" or v < 0 or v > 0xffffffff then
		error(("%s: %s: expected an integer of 0 or more, got %s"):format(who, what, tostring(v)), 0)
	end
	return v
end

function VM:syscall(nr, ...)
	return (call(self, request_of(self, "syscall", nr, select("#", ...), ...), nil, "syscall " .. name_of(nr)))
end

function VM:syscall_buf(nr, idx, data, ...)
	local request = request_of(self, "syscall_buf", nr, select("#", ...), ...)
	data = check_string("syscall_buf", "data", data)
	return (call(self, request, { { arg = index_of("syscall_buf", idx), parent = -1, len = #data, data = data } },
		"syscall " .. name_of(nr)))
end

-- Segments for {[idx] = data}, in ascending order.
local function arg_segs(who, bufs)
	local segs = {}
	if type(bufs) ~= "table" then
		error(("%s: buffers: expected a table {[index] = data}, got %s"):format(who, type(bufs)), 0)
	end
	for idx in pairs(bufs) do index_of(who, idx) end
	for idx = 0, 5 do
		if bufs[idx] ~= nil then
			local data = check_string(who, ("buffer %d"):format(idx), bufs[idx])
			segs[#segs + 1] = { arg = idx, parent = -1, len = #data, data = data, out = 1 }
		end
	end
	return segs
end

-- Appends the sub-buffers of `specs`; by_arg says which segment is whose.
local function add_specs(who, segs, specs, base_of)
	local first = #segs
	if type(specs) ~= "table" then
		error(("%s: pointers: expected a list of tables, got %s"):format(who, type(specs)), 0)
	end
	for n, spec in ipairs(specs) do
		local label = ("%s: pointer %d"):format(who, n)
		local data = spec.data and check_string(label, "data", spec.data) or ""
		local len = size_of(label, "length", spec.data_len or spec.buf_len or #data)
		local offset = size_of(label, "ptr_offset", spec.ptr_offset)
		local parent
		if spec.parent then
			if math.type(spec.parent) ~= "integer" or spec.parent < 1 or spec.parent >= n then
				error(("%s: parent: expected the number of an earlier pointer, got %s"):format(label,
					tostring(spec.parent)), 0)
			end
			parent = first + spec.parent - 1
		else
			parent = base_of(spec, label)
		end
		local room = segs[parent + 1].len
		if offset + 8 > room then
			error(("%s: ptr_offset %d: an address takes 8 bytes, the buffer has %d"):format(label, offset, room), 0)
		end
		if #data > len then
			error(("%s: %d bytes of data for a buffer of %d"):format(label, #data, len), 0)
		end
		segs[#segs + 1] = { arg = -1, parent = parent, offset = offset, len = len, data = data,
			out = spec.output and 1 or 0 }
	end
	return segs
end

-- ret, then what every segment holds that was to come back.
local function results(ret, segs, outs)
	local list = {}
	for i, seg in ipairs(segs) do
		if seg.out == 1 then list[#list + 1] = outs[i - 1] end
	end
	return ret, table.unpack(list)
end

function VM:syscall_bufs(nr, bufs, ...)
	local request = request_of(self, "syscall_bufs", nr, select("#", ...), ...)
	local segs = arg_segs("syscall_bufs", bufs)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

function VM:syscall_ptr(nr, bufs, ptrs, ...)
	local request = request_of(self, "syscall_ptr", nr, select("#", ...), ...)
	local segs = arg_segs("syscall_ptr", bufs)
	local by_arg = {}
	for i, seg in ipairs(segs) do by_arg[seg.arg] = i - 1 end
	add_specs("syscall_ptr", segs, ptrs, function(spec, label)
		return by_arg[spec.buf_idx] or
			error(("%s: buf_idx: there is no buffer %s"):format(label, tostring(spec.buf_idx)), 0)
	end)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

local function ioctl_request(who, fd, cmd)
	for what, v in pairs { fd = fd, cmd = cmd } do
		if math.type(v) ~= "integer" then
			error(("%s: %s: expected an integer, got %s"):format(who, what, math.type(v) or type(v)), 0)
		end
	end
	-- _IOR is negative in C's int; only the low 32 bits are the command.
	cmd = cmd & 0xffffffff
	return { nr = core.nr.ioctl, a0 = fd, a1 = cmd }, cmd, ("%s 0x%x"):format(who, cmd)
end

function VM:ioctl(fd, cmd, data)
	local request, command, what = ioctl_request("ioctl", fd, cmd)
	local writes, reads, size = pack.ioc_decode(command)
	if math.type(data) == "integer" then	-- a command that takes a value
		request.a2 = data
		return (call(self, request, nil, what))
	end
	data = data ~= nil and check_string("ioctl", "data", data) or nil
	if not data and size == 0 then return (call(self, request, nil, what)) end
	-- Commands from before the direction bits (TCGETS): both ways.
	if not writes and not reads then reads = true end
	local seg = { arg = 2, parent = -1, len = math.max(size, #(data or "")), data = data, out = reads and 1 or 0 }
	local ret, outs = call(self, request, { seg }, what)
	return ret, outs[0]
end

function VM:ioctl_buf(fd, cmd, struct, specs)
	local request, command, what = ioctl_request("ioctl_buf", fd, cmd)
	local _, _, size = pack.ioc_decode(command)
	struct = check_string("ioctl_buf", "struct", struct)
	local segs = { { arg = 2, parent = -1, len = math.max(size, #struct), data = struct, out = 1 } }
	add_specs("ioctl_buf", segs, specs, function() return 0 end)
	local ret, outs = call(self, request, segs, what)
	return results(ret, segs, outs)
end

-- For insmod: a call with segments of its own making.
VM.raw_syscall = call

end
