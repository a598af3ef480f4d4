-- SPDX-License-Identifier: GPL-2.0-only
-- Checks and converts the values that a test passes: durations, sizes, strings,
-- tables of options. The parameters where, field and label begin the message of
-- an error: "boot: memory".

local text = require "provium.text"

local options = {}

-- Converts a number, or "500ms", "5s", "10m", "1h", to seconds.
function options.seconds(v, label)
	if math.type(v) and v >= 0 then return v end
	local n, unit = tostring(v):match("^([%d.]+)(%a*)$")
	local factor = ({ [""] = 1, ms = 0.001, s = 1, m = 60, h = 3600 })[unit]
	n = tonumber(n)
	if not n or not factor or (unit == "" and type(v) ~= "number") then
		error(("%s: expected seconds or a duration like \"500ms\", \"5s\", \"10m\", got %s")
			:format(label, tostring(v)), 0)
	end
	return n * factor
end

-- Returns the word " PROFILE=NAME" for make; "" for the profile that is make's
-- default.
function options.profile_word(name) return name ~= "minimal" and " PROFILE=" .. name or "" end

-- Converts "512K", "512M", "2G" to bytes.
function options.bytes(v, label)
	local n, unit = tostring(v):match("^(%d+)([KMG])i?B?$")
	if not n then
		error(("%s: expected a size like \"512M\" or \"2G\", got %s"):format(label, tostring(v)), 0)
	end
	return tonumber(n) << ({ K = 10, M = 20, G = 30 })[unit]
end

-- Returns the list of the keys of a table in the order of the alphabet.
function options.keys(set)
	local list = {}
	for name in pairs(set) do list[#list + 1] = name end
	table.sort(list)
	return list
end

-- Returns these keys as "a, b, c".
function options.names(set) return table.concat(options.keys(set), ", ") end

-- Checks a table of options and returns it; an empty table for nil. known: the
-- set of known names.
function options.check(where, opts, known)
	if opts ~= nil and type(opts) ~= "table" then
		error(("%s: options: expected a table, got %s"):format(where, type(opts)), 0)
	end
	for key in pairs(opts or {}) do
		if not known[key] then
			error(("%s: unknown option \"%s\"; the options are: %s"):format(where, tostring(key),
				options.names(known)), 0)
		end
	end
	return opts or {}
end

-- Checks for a string and returns it. A text object becomes a string.
function options.string(where, field, v)
	v = text.plain(v)
	if type(v) ~= "string" then
		error(("%s: %s: expected a string, got %s"):format(where, field, type(v)), 0)
	end
	return v
end

-- Converts { NAME = value } to the form on the wire: a list of "NAME=value" in
-- a fixed order.
function options.environment(where, env)
	local list = {}
	for name, value in pairs(env or {}) do
		list[#list + 1] = { value = options.string(where, "env", name) .. "=" .. tostring(value) }
	end
	table.sort(list, function(a, b) return a.value < b.value end)
	return list
end

return options
