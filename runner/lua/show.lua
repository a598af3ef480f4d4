-- SPDX-License-Identifier: GPL-2.0-only
-- Values as messages show them: literals, hex dumps, commands.

local core = require "provium.core"
local text = require "provium.text"

local show = {}

local MAX_TEXT = 400		-- bytes of a string
local MAX_ITEMS = 40		-- of a table
local HEX_ROWS = 16
local MAX_COMMAND = 60		-- bytes

-- UTF-8 without control characters except newline and tab.
local function is_text(s)
	return utf8.len(s) and not s:find("[%z\1-\8\11-\31\127]")
end

-- Replaces what a report cannot contain (runner/base/text.h).
show.clean = core.clean

-- A hex dump in rows of 16 bytes.  mark: the 0-based offset of a byte to mark, or
-- nil; the dump begins one row before it.
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

local function sorted_keys(t)
	local keys = {}
	for k in pairs(t) do keys[#keys + 1] = k end
	table.sort(keys, function(a, b)
		if math.type(a) and math.type(b) then return a < b end
		return tostring(a) < tostring(b)
	end)
	return keys
end

-- A value much like a Lua literal; long strings and tables are cut.  seen: the tables
-- that contain it, for cycles; callers leave it out.
function show.value(v, seen)
	v = text.plain(v)
	if type(v) == "string" then return (show_string(v)) end
	if math.type(v) == "integer" and (v < -4096 or v > 4096) then
		return ("%d (0x%x)"):format(v, v)
	end
	if type(v) ~= "table" or (getmetatable(v) or {}).__tostring then
		return tostring(v)
	end
	seen = seen or {}
	if seen[v] then return "{…}" end
	seen[v] = true
	local parts, n = {}, 0
	for _, k in ipairs(sorted_keys(v)) do
		n = n + 1
		if n > MAX_ITEMS then
			parts[#parts + 1] = "…"
			break
		end
		local key = math.type(k) == "integer" and k >= 1 and k <= #v and "" or
			(type(k) == "string" and k:match("^[%a_][%w_]*$") or
			"[" .. show.value(k, seen) .. "]") .. " = "
		parts[#parts + 1] = key .. show.value(v[k], seen)
	end
	seen[v] = nil
	return "{" .. table.concat(parts, ", ") .. "}"
end

-- A command as messages show it.
function show.command(cmd)
	return #cmd > MAX_COMMAND and cmd:sub(1, MAX_COMMAND) .. "…" or cmd
end

-- The first 0-based offset at which two strings differ.
function show.difference(a, b)
	local n = math.min(#a, #b)
	for i = 1, n do
		if a:byte(i) ~= b:byte(i) then return i - 1 end
	end
	return n
end

return show
