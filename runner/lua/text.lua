-- SPDX-License-Identifier: GPL-2.0-only
-- Text objects: the output of a command, as a string with more methods.
--
-- r.stdout.value is the plain string. r.stdout.contains(s), .starts_with(s) and
-- .trim(), and all functions of the string library, can be called with a dot or
-- with a colon.

local VALUE = {}	-- the key under which an object has its plain string
local text = {}

-- Returns the plain string of a text object; anything else unchanged.
local function plain(v)
	return type(v) == "table" and rawget(v, VALUE) or v
end

local text_methods = {
	contains = function(s, needle) return s:find(plain(needle), 1, true) ~= nil end,
	starts_with = function(s, start) return s:sub(1, #plain(start)) == plain(start) end,
	trim = function(s) return (s:match("^%s*(.-)%s*$")) end,
}

local mt = {}

function mt:__index(key)
	local s = rawget(self, VALUE)
	if key == "value" then return s end
	local fn = text_methods[key] or string[key]
	if not fn then return nil end
	return function(first, ...)
		if rawequal(first, self) then return fn(s, ...) end	-- called with a colon
		if text_methods[key] then return fn(s, first, ...) end
		return fn(plain(first), ...)
	end
end

function mt:__newindex(key) error("a text object cannot be changed (" .. tostring(key) .. ")", 2) end
function mt:__tostring() return rawget(self, VALUE) end
function mt:__len() return #rawget(self, VALUE) end
function mt.__concat(a, b) return tostring(a) .. tostring(b) end
function mt.__eq(a, b) return plain(a) == plain(b) end
function mt.__lt(a, b) return plain(a) < plain(b) end

function text.new(s)
	return setmetatable({ [VALUE] = s }, mt)
end

text.plain = plain

return text
