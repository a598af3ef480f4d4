-- SPDX-License-Identifier: GPL-2.0-only
-- What a test's author passes: durations, sizes, tables of options, strings.

local text = require "provium.text"

local options = {}

-- Seconds of "500ms", "5s", "10m" or a number.
function options.seconds(v, what)
	if math.type(v) and v >= 0 then return v end
	local n, unit = tostring(v):match("^([%d.]+)(%a*)$")
	local factor = ({ [""] = 1, ms = 0.001, s = 1, m = 60, h = 3600 })[unit]
	n = tonumber(n)
	if not n or not factor or (unit == "" and type(v) ~= "number") then
		error(("%s: expected seconds or a duration like \"500ms\", \"5s\", \"10m\", got %s")
			:format(what, tostring(v)), 0)
	end
	return n * factor
end

-- Bytes of "512M", "2G".
function options.bytes(v, what)
	local n, unit = tostring(v):match("^(%d+)([KMG])i?B?$")
	if not n then
		error(("%s: expected a size like \"512M\" or \"2G\", got %s"):format(what, tostring(v)), 0)
	end
	return tonumber(n) << ({ K = 10, M = 20, G = 30 })[unit]
end

function options.check(who, opts, known)
	if opts ~= nil and type(opts) ~= "table" then
		error(("%s: options: expected a table, got %s"):format(who, type(opts)), 0)
	end
	for key in pairs(opts or {}) do
		if not known[key] then
			local names = {}
			for name in pairs(known) do names[#names + 1] = name end
			table.sort(names)
			error(("%s: unknown option \"%s\"; there are: %s"):format(who, tostring(key),
				table.concat(names, ", ")), 0)
		end
	end
	return opts or {}
end

function options.string(who, what, v)
	v = text.plain(v)
	if type(v) ~= "string" then
		error(("%s: %s: expected a string, got %s"):format(who, what, type(v)), 0)
	end
	return v
end

-- { NAME = value } as the wire has it: a list of "NAME=value" in a fixed order.
function options.environment(where, env)
	local list = {}
	for name, value in pairs(env or {}) do
		list[#list + 1] = { value = options.string(where, "env", name) .. "=" .. tostring(value) }
	end
	table.sort(list, function(a, b) return a.value < b.value end)
	return list
end

return options
