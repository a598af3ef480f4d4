-- SPDX-License-Identifier: GPL-2.0-only
-- provium.pack() and unpack(), for binary structs; ioctl numbers.

local pack = {}

local MAX_BYTES = 1 << 30	-- most bytes of a packed struct
local MAX_VALUES = 100000	-- most values that unpack() returns; Lua's stack has a limit

local RANGE = {
	u8 = { 0, 0xff }, i8 = { -0x80, 0x7f },
	u16 = { 0, 0xffff }, i16 = { -0x8000, 0x7fff },
	u32 = { 0, 0xffffffff }, i32 = { -0x80000000, 0x7fffffff },
	u64 = { math.mininteger, math.maxinteger },
	i64 = { math.mininteger, math.maxinteger },
}
local FORMAT = {
	u8 = "B", i8 = "b", u16 = "I2", i16 = "i2", u32 = "I4", i32 = "i4",
	u64 = "i8", i64 = "i8",		-- Lua has only signed integers; the bits of a u64 stay the same
}

-- Raises an error about the item at a position.
local function raise_at(caller, item, pos, fmt, ...)
	error(("%s: %s at position %d: %s"):format(caller, item.word, pos, fmt:format(...)), 0)
end

local POINTER = { word = "ptr", kind = "int", range = RANGE.u64, format = "<" .. FORMAT.u64, size = 8 }

-- Parses a format. Returns its items: { word =, size = bytes, kind = "int" |
-- "zeros" | "string" }; those of kind "int" also have range and format (as
-- string.pack() takes it). Only struct() knows the specifier "ptr".
local function parse(caller, fmt)
	if type(fmt) ~= "string" then
		error(("%s: format: expected a string, got %s"):format(caller, type(fmt)), 0)
	end
	local items, nr_bytes = {}, 0
	for word in fmt:gmatch("%S+") do
		local name, be = word:match("^([ui]%d+)(b?e?)$")
		local letter, n = word:match("^([xs])(%d+)$")
		local item
		if word == "ptr" and caller == "struct" then
			item = setmetatable({}, { __index = POINTER })
		elseif name and RANGE[name] and (be == "" or be == "be") then
			item = {
				kind = "int", range = RANGE[name],
				format = (be == "be" and ">" or "<") .. FORMAT[name],
				size = tonumber(name:sub(2)) // 8,
			}
		elseif letter then
			item = {
				kind = letter == "x" and "zeros" or "string",
				size = math.tointeger(tonumber(n)) or math.huge,
			}
		else
			error(("%s: unknown specifier \"%s\" at position %d; the specifiers are u8 i8 u16 i16 u32 i32 u64 i64, each also with be, xN and sN%s")
				:format(caller, word, #items + 1, caller == "struct" and ", ptr" or ""), 0)
		end
		item.word = word
		items[#items + 1] = item
		nr_bytes = nr_bytes + item.size
		if nr_bytes > MAX_BYTES then
			raise_at(caller, item, #items, "the format has more than %d bytes", MAX_BYTES)
		end
	end
	return items
end

local function pack_one(caller, item, pos, v)
	if item.kind == "string" then
		v = type(v) == "table" and tostring(v) or v
		if type(v) ~= "string" then raise_at(caller, item, pos, "expected a string, got %s", type(v)) end
		if #v > item.size then raise_at(caller, item, pos, "a string of %d bytes does not fit", #v) end
		return v .. ("\0"):rep(item.size - #v)
	end
	local i = math.type(v) == "integer" and v or math.type(v) == "float" and math.tointeger(v)
	if not i then
		raise_at(caller, item, pos, "expected an integer%s, got %s",
			item.word == "ptr" and ", a string, out(), inout() or struct()" or "", math.type(v) or type(v))
	end
	if i < item.range[1] or i > item.range[2] then
		raise_at(caller, item, pos, "%d is out of range (%d to %d)", i, item.range[1], item.range[2])
	end
	return string.pack(item.format, i)
end

-- Packs the values. take_pointer(offset, value) is called for each "ptr"; if it
-- returns true, the address is left 0 for the agent to fill in.
local function pack_all(caller, fmt, take_pointer, ...)
	local items, out, used, given, offset = parse(caller, fmt), {}, 0, select("#", ...), 0
	for pos, item in ipairs(items) do
		if item.kind == "zeros" then
			out[pos] = ("\0"):rep(item.size)
		else
			used = used + 1
			if used > given then raise_at(caller, item, pos, "no value for it, only %d were given", given) end
			local v = (select(used, ...))
			if item.word == "ptr" and take_pointer(offset, v) then v = 0 end
			out[pos] = pack_one(caller, item, pos, v)
		end
		offset = offset + item.size
	end
	if used < given then
		error(("%s: %d values given, the format \"%s\" takes %d"):format(caller, given, fmt, used), 0)
	end
	return table.concat(out)
end

function pack.pack(fmt, ...) return pack_all("pack", fmt, nil, ...) end

-- Packs a struct with pointers, for provium.struct() (pointer.lua).
function pack.struct(fmt, take_pointer, ...) return pack_all("struct", fmt, take_pointer, ...) end

function pack.unpack(fmt, data, offset)
	local items, values, n, size = parse("unpack", fmt), {}, 0, 0
	data = type(data) == "table" and tostring(data) or data
	offset = offset or 0
	if type(data) ~= "string" then
		error(("unpack: data: expected a string, got %s"):format(type(data)), 0)
	end
	if math.type(offset) ~= "integer" or offset < 0 then
		error(("unpack: offset: expected an integer of 0 or more, got %s"):format(tostring(offset)), 0)
	end
	for _, item in ipairs(items) do size = size + item.size end
	if #data - offset < size then
		error(("unpack: \"%s\" needs %d bytes%s, data has %d"):format(fmt, size,
			offset > 0 and (" from offset %d on"):format(offset) or "",
			math.max(0, #data - offset)), 0)
	end
	local at = offset + 1
	for _, item in ipairs(items) do
		if item.kind ~= "zeros" then
			n = n + 1
			if n > MAX_VALUES then
				error(("unpack: the format has more than %d values; unpack the data in parts, with an offset")
					:format(MAX_VALUES), 0)
			end
			values[n] = item.kind == "string" and data:sub(at, at + item.size - 1) or
				string.unpack(item.format, data, at)
		end
		at = at + item.size
	end
	return table.unpack(values, 1, n)
end

-- Returns a function that makes ioctl numbers for one direction. From the
-- highest bit they consist of dir (2 bits), size (14), type (8), nr (8):
-- include/uapi/asm-generic/ioctl.h.
local function ioc(name, dir)
	return function(kind, nr, size)
		size = size or 0
		if type(kind) == "string" and #kind == 1 then kind = kind:byte() end
		for _, field in ipairs { "type", "nr", "size" } do
			local v = ({ type = kind, nr = nr, size = size })[field]
			local max = field == "size" and 0x3fff or 0xff
			if math.type(v) ~= "integer" or v < 0 or v > max then
				error(("%s: %s: expected an integer from 0 to %d%s, got %s"):format(name, field, max,
					field == "type" and " or a letter" or "", tostring(v)), 0)
			end
		end
		return dir << 30 | size << 16 | kind << 8 | nr
	end
end

pack.IO, pack.IOW = ioc("IO", 0), ioc("IOW", 1)
pack.IOR, pack.IOWR = ioc("IOR", 2), ioc("IOWR", 3)

-- Returns the parts of a command: whether its struct is written to the kernel,
-- whether it is read from the kernel, and its size in bytes.
function pack.ioc_decode(cmd)
	return cmd >> 30 & 1 == 1, cmd >> 31 & 1 == 1, cmd >> 16 & 0x3fff
end

return pack
