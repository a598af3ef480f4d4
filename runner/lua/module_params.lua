-- SPDX-License-Identifier: GPL-2.0-only
-- The parameters of a module: from a table or string to the text that the
-- kernel parses.
--
-- The kernel splits the text into name=value at white space outside of double
-- quotes, and removes a pair of quotes around a value (next_arg() in
-- lib/cmdline.c). It has no way to escape a quote.

local suggest = require "provium.suggest"
local options = require "provium.options"
local text = require "provium.text"

local SPACE = "[ \t\n\v\f\r\xa0]"	-- isspace() of the kernel

-- Parameters that every module takes (load_module() in kernel/module/main.c).
local COMMON = { dyndbg = true, async_probe = true }

-- Splits off the first argument of the text, as next_arg() does. Returns its
-- name, its value (nil: none) and the rest of the text.
local function next_arg(args)
	local quoted = args:sub(1, 1) == '"'
	if quoted then args = args:sub(2) end
	local in_quote, i = quoted, 1
	while i <= #args and (in_quote or not args:find("^" .. SPACE, i)) do
		if args:sub(i, i) == '"' then in_quote = not in_quote end
		i = i + 1
	end
	local arg, rest = args:sub(1, i - 1), args:sub(i + 1):gsub("^" .. SPACE .. "+", "")
	local equals = arg:find("=", 2, true)
	local value = equals and arg:sub(equals + 1)
	if value and value:sub(1, 1) == '"' then value = value:gsub('^"', ""):gsub('"$', "") end
	if quoted then arg = arg:gsub('"$', "") end
	return equals and arg:sub(1, equals - 1) or arg, value, rest
end

-- Returns the names of the parameters in the text.
local function names_in(params)
	local names, rest = {}, (params:gsub("^" .. SPACE .. "+", ""))
	while rest ~= "" do
		local name, _, remaining = next_arg(rest)
		names[#names + 1], rest = name, remaining
	end
	return names
end

-- Returns name=value in a form from which the kernel reads this value.
local function encode(label, name, value)
	if value:find("\0", 1, true) then error(label .. ": the value contains a NUL byte; the kernel would end it there", 0) end
	for _, form in ipairs { '%s=%s', '%s="%s"' } do
		local arg = form:format(name, value)
		local its_name, its_value, rest = next_arg(arg)
		if its_name == name and its_value == value and rest == "" then return arg end
	end
	error(("%s: the kernel cannot be given %q: it has quotes and blanks, and the kernel knows no escape for quotes")
		:format(label, value), 0)
end

-- Returns the value of one parameter as text.
local function value_text(label, value)
	value = text.plain(value)
	if type(value) == "boolean" then return value and "Y" or "N" end
	if type(value) == "string" then return value end
	if math.type(value) == "integer" then return tostring(value) end
	if math.type(value) == "float" and math.tointeger(value) then return tostring(math.tointeger(value)) end
	if math.type(value) == "float" then
		error(("%s: the kernel has no fractions; got %s"):format(label, tostring(value)), 0)
	end
	if type(value) ~= "table" then
		error(("%s: expected a string, an integer, a boolean or a list of them, got a %s"):format(label, type(value)), 0)
	end
end

-- Returns the values of an array parameter as "a,b".
local function list_text(label, list)
	local parts, count = {}, 0
	for _ in pairs(list) do count = count + 1 end
	if count == 0 or count ~= #list then
		error(label .. ": expected a list, got " .. (count == 0 and "an empty table" or "a table with names"), 0)
	end
	for i, value in ipairs(list) do
		local item = ("%s[%d]"):format(label, i)
		parts[i] = value_text(item, value) or error(item .. ": a list in a list", 0)
		if parts[i]:find(",", 1, true) then
			error(("%s: %q contains a comma, at which the kernel would split it"):format(item, parts[i]), 0)
		end
	end
	return table.concat(parts, ",")
end

local function check_known(where, module, name, known)
	local plain = name:gsub("-", "_")
	if known[plain] or COMMON[plain] or plain:find("%.dyndbg$") then return end
	error(("%s: module %s has no parameter \"%s\"; %s%s"):format(where, module, name,
		next(known) and "its parameters are: " .. options.names(known) or "it has no parameters", suggest(name, known)), 0)
end

-- Returns the text for the kernel. params: { name = value }, or the text
-- itself; known: the set of the module's parameters; where: the beginning of an
-- error message.
return function(where, module, params, known)
	params = text.plain(params)
	if params == nil then return "" end
	if type(params) == "string" then
		if params:find("\0", 1, true) then error(where .. ": the parameters contain a NUL byte; the kernel would end them there", 0) end
		for _, name in ipairs(names_in(params)) do check_known(where, module, name, known) end
		return params
	end
	if type(params) ~= "table" then
		error(("%s: parameters: expected a string or a table, got a %s"):format(where, type(params)), 0)
	end
	local list = {}
	for name, value in pairs(params) do
		if type(name) ~= "string" then
			error(("%s: parameters: expected { NAME = value }, got the key %s"):format(where, tostring(name)), 0)
		end
		check_known(where, module, name, known)
		local label = ("%s: parameter %s"):format(where, name)
		list[#list + 1] = encode(label, name, value_text(label, value) or list_text(label, value))
	end
	table.sort(list)
	return table.concat(list, " ")
end
