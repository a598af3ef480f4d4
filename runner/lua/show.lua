-- SPDX-License-Identifier: GPL-2.0-only
-- Formats values for messages: literals, hex dumps, commands.

local core = require "provium.core"
local text = require "provium.text"

local show = {}

local MAX_TEXT = 400		-- most bytes that are shown of a string
local MAX_ITEMS = 40		-- most items that are shown of a table
local MAX_ALL_ITEMS = 400	-- most items that are shown of a table and of the tables in it
local MAX_DEPTH = 20		-- most levels of tables in tables
local HEX_ROWS = 16
local MAX_COMMAND = 60		-- most bytes that are shown of a command

-- Returns true for UTF-8 without control characters except newline and tab.
local function is_text(s)
	return utf8.len(s) and not s:find("[%z\1-\8\11-\31\127]")
end

-- Replaces the parts of a text that a report cannot contain
-- (runner/base/text.h).
show.clean = core.clean

-- Returns a hex dump in rows of 16 bytes. mark: the 0-based offset of a byte to
-- mark, or nil; the dump begins one row before it.
function show.hex(s, mark)
	local first = mark and mark // 16 * 16 or 0
	local from = math.max(0, first - 16)
	local rows = {}
	for row = from, math.min(#s - 1, from + HEX_ROWS * 16 - 1), 16 do
		local hex, letters = {}, {}
		for i = row, row + 15 do
			local b = s:byte(i + 1)
			hex[#hex + 1] = b and ("%s%02x"):format(i == mark and ">" or " ", b) or
				(i == mark and ">--" or "   ")
			letters[#letters + 1] = b and (b >= 32 and b < 127 and string.char(b) or ".") or ""
		end
		rows[#rows + 1] = ("  %04x %s  %s"):format(row, table.concat(hex), table.concat(letters))
	end
	if from + HEX_ROWS * 16 < #s then
		rows[#rows + 1] = ("  … %d bytes in all"):format(#s)
	end
	return table.concat(rows, "\n")
end

local function show_string(s)
	if is_text(s) and #s <= MAX_TEXT then
		return ("%q"):format(s):gsub("\\\n", "\\n"):gsub("\\9", "\\t")
	elseif is_text(s) then
		return show_string(s:sub(1, utf8.offset(s, 0, MAX_TEXT) - 1)) ..
			("… (%d bytes)"):format(#s)
	end
	return ("%d bytes:\n%s"):format(#s, show.hex(s))
end

local function has_tostring(v)
	local mt = debug.getmetatable(v)
	return type(mt) == "table" and rawget(mt, "__tostring") ~= nil
end

-- Returns what tostring() returns, or a description if the value's __tostring
-- fails.
local function object(v)
	local ok, s = pcall(tostring, v)
	if ok then return s end
	return ("(a %s whose __tostring raised an error: %s)"):format(type(v),
		type(s) == "string" and s or type(s))
end

local KEY_RANK = { number = 1, string = 2 }

-- Returns the keys: numbers first, then strings, then others, which have no
-- order.
local function sorted_keys(t)
	local keys = {}
	for k in next, t do keys[#keys + 1] = k end
	table.sort(keys, function(a, b)
		local a_rank, b_rank = KEY_RANK[type(a)] or 3, KEY_RANK[type(b)] or 3
		if a_rank ~= b_rank or a_rank == 3 then return a_rank < b_rank end
		return a < b
	end)
	return keys
end

local show_value

-- Formats the table t as a literal. out: { seen = tables that contain it, depth
-- = how many, nr_items = shown so far }.
local function show_table(t, out)
	if out.seen[t] or out.depth >= MAX_DEPTH then return "{…}" end
	out.seen[t], out.depth = true, out.depth + 1
	local parts, length = {}, rawlen(t)
	for n, k in ipairs(sorted_keys(t)) do
		out.nr_items = out.nr_items + 1
		if n > MAX_ITEMS or out.nr_items > MAX_ALL_ITEMS then
			parts[n] = "…"
			break
		end
		local key = ""
		if type(k) == "string" and k:find("^[%a_][%w_]*$") then
			key = k .. " = "
		elseif math.type(k) ~= "integer" or k < 1 or k > length then
			key = ("[%s] = "):format(show_value(k, out))
		end
		parts[n] = key .. show_value(rawget(t, k), out)
	end
	out.seen[t], out.depth = nil, out.depth - 1
	return "{" .. table.concat(parts, ", ") .. "}"
end

function show_value(v, out)
	v = text.plain(v)
	if type(v) == "string" then return (show_string(v)) end
	if math.type(v) == "integer" and (v < -4096 or v > 4096) then
		return ("%d (0x%x)"):format(v, v)
	end
	if type(v) ~= "table" or has_tostring(v) then return object(v) end
	return show_table(v, out)
end

-- Formats a value much like a Lua literal; long strings and tables are cut.
-- Never raises an error, and calls none of the value's metamethods but
-- __tostring.
function show.value(v) return show_value(v, { seen = {}, depth = 0, nr_items = 0 }) end

-- As show.value(); of a number that can be the error of a system call, also the
-- errno's name: "-13 (EACCES)".
function show.result(v)
	local name = math.type(v) == "integer" and v < 0 and core.errno[-v]
	return name and ("%d (%s)"):format(v, name) or show.value(v)
end

-- Formats a command for messages.
function show.command(cmd)
	return #cmd > MAX_COMMAND and cmd:sub(1, MAX_COMMAND) .. "…" or cmd
end

-- Returns the first 0-based offset at which two strings differ.
function show.difference(a, b)
	local n = math.min(#a, #b)
	for i = 1, n do
		if a:byte(i) ~= b:byte(i) then return i - 1 end
	end
	return n
end

return show
