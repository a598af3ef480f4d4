-- SPDX-License-Identifier: GPL-2.0-only
-- Arguments that are addresses: provium.out(), inout() and struct(). A test
-- writes them, or a string, where the system call's prototype has a pointer.

local pack = require "provium.pack"
local text = require "provium.text"

local pointer = {}

local MAX_BYTES = 1 << 30

-- Memory in the guest. Fields: data, its contents before the call; len, its
-- size in bytes; is_out, whether its contents after the call are a result;
-- inner, the pointers in it: a list of { offset =, to = Pointer }.
local Pointer = {}
Pointer.__index = Pointer
function Pointer:__tostring() return ("a pointer to %d bytes"):format(self.len) end

local function new(data, is_out, inner)
	return setmetatable({ data = data, len = #data, is_out = is_out, inner = inner or {} }, Pointer)
end

function pointer.is(v) return getmetatable(v) == Pointer end

-- Returns the Pointer for a value that a test wrote as an argument: a Pointer,
-- a string or a text object. Returns nil for any other value.
function pointer.of(v)
	if pointer.is(v) then return v end
	v = text.plain(v)
	return type(v) == "string" and new(v, false) or nil
end

-- provium.out(size): memory of that many zero bytes, returned after the call.
function pointer.out(size)
	if math.type(size) ~= "integer" or size < 0 or size > MAX_BYTES then
		error(("out: expected a size of 0 to %d bytes, got %s"):format(MAX_BYTES, tostring(size)), 0)
	end
	return new(("\0"):rep(size), true)
end

-- provium.inout(data): memory with that string or struct, returned after the
-- call.
function pointer.inout(data)
	local from = pointer.of(data)
	if not from then error(("inout: expected a string or a struct, got %s"):format(type(data)), 0) end
	return new(from.data, true, from.inner)
end

-- provium.struct(fmt, ...): a struct in the format of provium.pack(), in which
-- "ptr" is an address: the value is 0 (NULL), another number, a string, or
-- what out(), inout() and struct() return.
function pointer.struct(fmt, ...)
	local inner = {}
	local data = pack.struct(fmt, function(offset, value)
		local to = pointer.of(value)
		if to then inner[#inner + 1] = { offset = offset, to = to } end
		return to ~= nil
	end, ...)
	return new(data, false, inner)
end

-- Appends the segments (runner/lua/syscall.lua) of a Pointer to segs, in order
-- of appearance. arg: the number of the argument, or -1; parent and offset: the
-- segment that contains the address, or -1, and where.
function pointer.add_segments(segs, to, arg, parent, offset)
	local number = #segs
	segs[number + 1] = { arg = arg, parent = parent, offset = offset, len = to.len, data = to.data,
		out = to.is_out and 1 or 0 }
	for _, inner in ipairs(to.inner) do pointer.add_segments(segs, inner.to, -1, number, inner.offset) end
end

return pointer
