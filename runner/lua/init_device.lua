-- SPDX-License-Identifier: GPL-2.0-only
-- For provium init: finds the device and the ioctls in the C sources of a
-- module, and writes them as Lua. What it does not understand it leaves out.

local core = require "provium.core"
local read = require "provium.read_file"

local MAX_IOCTLS = 6	-- more than that is no example any more
local MAX_VALUES = 8	-- of an array in a struct

-- The types of C as provium.pack() calls them.
local SCALARS = {
	char = "i8", ["unsigned char"] = "u8", bool = "u8", short = "i16", ["unsigned short"] = "u16",
	int = "i32", unsigned = "u32", ["unsigned int"] = "u32", long = "i64", ["unsigned long"] = "u64",
	["long long"] = "i64", ["unsigned long long"] = "u64", size_t = "u64", __aligned_u64 = "u64",
}
for _, bits in ipairs { "8", "16", "32", "64" } do
	for _, form in ipairs { "__%s%s", "%s%s" } do
		SCALARS[form:format("u", bits)], SCALARS[form:format("s", bits)] = "u" .. bits, "i" .. bits
	end
	SCALARS["uint" .. bits .. "_t"], SCALARS["int" .. bits .. "_t"] = "u" .. bits, "i" .. bits
end

-- Returns the sources in the folders as one text, without comments.
local function sources(dirs)
	local list = {}
	for _, dir in ipairs(dirs) do
		for _, file in ipairs(core.list(dir)) do
			if file:find("%.[ch]$") then list[#list + 1] = read(dir .. "/" .. file) end
		end
	end
	return (table.concat(list, "\n"):gsub("/%*.-%*/", " "):gsub("//[^\n]*", ""))
end

local function trim(s) return (s:gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " ")) end

-- Returns the literal for which the word stands: "'k'", "12", "\"name\""; or
-- nil.
local function literal(text, word)
	word = trim(word)
	if word:find("^['\"%d]") then return word end
	local value = word:find("^[%w_]+$") and text:match("#%s*define%s+" .. word .. "%s+([^\n]+)")
	value = value and trim(value):gsub("^%((.*)%)$", "%1")
	return value and value:find("^['\"%d]") and value or nil
end

local function number(text, word)
	local value = literal(text, word)
	return value and math.tointeger(tonumber((value:gsub("[uUlL]+$", ""))))
end

-- --- the device ---

-- Returns the name of the device's file in /dev, or nil.
local function device_of(text, module)
	local word = text:match("struct%s+miscdevice[^;]-%.name%s*=%s*([^,}]+)")
	if not word then
		local arguments = text:match("device_create%s*(%b())")
		word = arguments and (arguments:match('"[^"]*"') or arguments:match(",%s*([%w_]+)%s*%)$"))
	end
	if not word then return end
	if trim(word) == "KBUILD_MODNAME" or trim(word) == "THIS_MODULE->name" then return module end
	local name = (literal(text, word) or ""):match('^"([^"]*)"$')
	name = name and name:gsub("%%[du]", "0")
	return name and name:find("^[%w_./-]+$") and name or nil
end

-- --- structs ---

local format_of

-- Adds a field to the layout { words, size, align }. Returns true if its type
-- is understood.
local function add_field(text, layout, ctype, count)
	local format, size, align = format_of(text, ctype)
	if not format then return end
	local gap = -layout.size % align
	if gap > 0 then layout.words[#layout.words + 1] = "x" .. gap end
	if count and (format == "i8" or format == "u8") then
		format = "s" .. count
	elseif count and count <= MAX_VALUES then
		format = (format .. " "):rep(count):sub(1, -2)
	elseif count then
		return
	end
	layout.words[#layout.words + 1] = format
	layout.size, layout.align = layout.size + gap + size * (count or 1), math.max(layout.align, align)
	return true
end

-- Adds the fields of "TYPE NAME, NAME[COUNT]". Returns true if they are
-- understood.
local function add_fields(text, layout, declaration)
	local ctype
	for part in declaration:gmatch("[^,]+") do
		local before, name = trim(part):match("^(.-) ?([%w_]+[%[%]%w_]*)$")
		if before and before ~= "" then ctype = before:find("%*$") and "*" or before end
		local words = name and name:match("%[(.*)%]")
		local count = words and number(text, words)
		if not name or words and not count or not add_field(text, layout, ctype, count) then return end
	end
	return true
end

-- Returns the format of a C type for provium.pack(), its size and alignment in
-- bytes; or nil.
function format_of(text, ctype)
	local scalar = SCALARS[ctype]
	if ctype == "*" then return "ptr", 8, 8 end
	if scalar then return scalar, tonumber(scalar:sub(2)) // 8, tonumber(scalar:sub(2)) // 8 end
	local tag = ctype and ctype:match("^struct ([%w_]+)$")
	local body = tag and text:match("struct%s+" .. tag .. "%s*(%b{})%s*;")
	if not body then return end
	local layout = { words = {}, size = 0, align = 1 }
	for declaration in body:sub(2, -2):gmatch("[^;]+") do
		if trim(declaration) ~= "" and not add_fields(text, layout, declaration) then return end
	end
	local gap = -layout.size % layout.align
	if gap > 0 then layout.words[#layout.words + 1] = "x" .. gap end
	return table.concat(layout.words, " "), layout.size + gap, layout.align
end

-- --- ioctls ---

-- Returns the ioctls: a list of { name, number = the Lua that computes its
-- number, format = that of its data, reads = the kernel returns data, writes =
-- it gets data }.
local function ioctls_of(text)
	local list = {}
	for name, direction, arguments in text:gmatch("#%s*define%s+([%w_]+)%s+(_IO[WR]*)%s*(%b())") do
		local letter, nr, ctype = arguments:sub(2, -2):match("^([^,]+),([^,]+),?(.*)$")
		letter = letter and literal(text, letter)
		letter = letter and letter:gsub("^'(.)'$", '"%1"')
		nr = nr and number(text, nr)
		local format, size = format_of(text, trim(ctype or ""))
		local of_data = direction ~= "_IO"
		if letter and nr and (format or not of_data) and #list < MAX_IOCTLS then
			list[#list + 1] = {
				name = name, format = format,
				reads = direction:find("R", 4, true), writes = direction:find("W", 4, true),
				number = ("provium.%s(%s, %d%s)"):format(direction:sub(2), letter, nr, of_data and ", " .. size or ""),
			}
		end
	end
	return list
end

-- Returns example values for the format.
local function values_of(format)
	local values = {}
	for word in format:gmatch("%S+") do
		local kind = word:sub(1, 1)
		local is_text = kind == "s" or kind == "p"
		if kind ~= "x" then values[#values + 1] = is_text and '"text"' or tostring(#values + 1) end
	end
	return table.concat(values, ", ")
end

-- Returns lines of Lua that make the ioctl and assert what it returns.
local function call_of(ioctl)
	local has_pointer = ioctl.format and ioctl.format:find("ptr", 1, true)
	local data = ioctl.writes and (', provium.%s("%s", %s)'):format(has_pointer and "struct" or "pack", ioctl.format,
		values_of(ioctl.format)) or ""
	local call = ("vm:ioctl(fd, %s%s)"):format(ioctl.name, data)
	if has_pointer then return ("assert_eq(0, (%s))"):format(call) end
	if not ioctl.reads then return ("assert_eq(0, %s)"):format(call) end
	return ("local ret, out = %s\nassert_eq({ 0, %s }, { ret, provium.unpack(\"%s\", out) })"):format(call,
		values_of(ioctl.format), ioctl.format)
end

-- Returns { device, declarations, calls } of the module whose sources are in
-- these folders: the name of its file in /dev, or nil; and Lua for its ioctls.
return function(dirs, module)
	local text = sources(dirs)
	local declarations, calls, nr_reads = {}, {}, 0
	for i, ioctl in ipairs(ioctls_of(text)) do
		declarations[i], calls[i] = ("local %s = %s"):format(ioctl.name, ioctl.number), call_of(ioctl)
		nr_reads = nr_reads + (calls[i]:find("^local ") and 1 or 0)
		if nr_reads > 1 then calls[i] = calls[i]:gsub("^local ", "") end
	end
	return {
		device = device_of(text, module),
		declarations = table.concat(declarations, "\n"), calls = table.concat(calls, "\n"),
	}
end
