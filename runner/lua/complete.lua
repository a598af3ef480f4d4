-- SPDX-License-Identifier: GPL-2.0-only
-- provium complete: what can stand at a place of a command line. Commands and
-- options come from their --help.

local core = require "provium.core"
local evidence = require "provium.evidence"
local explain = require "provium.explain"
local fixture = require "provium.fixture"
local read = require "provium.read_file"

local complete = {}

local FORMATS = { "human", "tap", "json", "junit", "html", "github" }
local EVENTS = { "booted", "failing-call", "complaint", "panic", "end" }

local function profiles()
	local list = {}
	for name in fixture.profile_names() do list[#list + 1] = name end
	return list
end

local function fixtures() return fixture.known_names(core.realpath(".")) end

-- Returns patterns for -f, one for each test of the files among the words.
local function titles(words)
	local list = {}
	for _, path in ipairs(words) do
		local source = path:find("%.lua$") and read(path) or ""
		for title in source:gmatch('%f[%w_]test%(%s*"([^"\\]*)"') do list[#list + 1] = evidence.filter(title) end
	end
	return list
end

-- What an argument can be, by its name in the usage.
local VALUES = {
	FORMAT = function() return FORMATS end,
	EVENT = function() return EVENTS end,
	["FIXTURE|PROFILE"] = fixtures, ["NAME|SCRIPT"] = fixtures,
	NAME = fixtures, PROFILE = profiles, PATTERN = titles, WORD = explain.words,
}

-- --- the help of a command ---

local function commands(overview)
	local list = { "--help", "--version" }
	for name, summary in overview:match("^(.-)\n\nUsed by "):gmatch("\n  (%S+) +([^\n]*)") do
		list[#list + 1] = name .. "\t" .. summary
	end
	return list
end

-- Calls fn(option, value, description) for each option of the help: "--cpus",
-- "N". A value that belongs to the option is part of it: "--on-failure=shell".
local function each_option(help, fn)
	for line, at in help:gmatch("\n  (%-[^\n]*)()") do
		local first = line:match("^%-%a, ")
		local option, rest = line:sub(first and #first + 1 or 1):match("^(%-%-?[%w-]+=?%l*)(.*)")
		local value = rest:match("^ ([%u%[][%u%]|]*)%f[%s\0]")
		rest = rest:sub(value and #value + 2 or 1)
		local description = rest:match("^%s+(%S.*)") or help:match("^\n *([^\n]*)", at)
		fn(option, value, description)
		if first then fn(first:sub(1, 2), value, description) end
	end
end

-- Returns the options of a command, each with a tab and its description.
function complete.options(help)
	local list = { "--help" }
	each_option(help, function(option, _, description) list[#list + 1] = option .. "\t" .. description end)
	return list
end

-- Returns the name of the option's value: "FORMAT"; nil if it takes none.
local function value_of(help, option)
	local found
	each_option(help, function(its_name, value) found = its_name == option and value or found end)
	return found and found:gsub("[%[%]]", "")
end

local function variables(help)
	local list = {}
	for name in help:gmatch("%f[%w](%u[%u_]+)=") do list[#list + 1] = name .. "=" end
	return list
end

-- Returns what the forms of the usage have as the next argument after those
-- that are typed. Options do not count.
local function arguments(help, typed)
	local list, n = {}, #typed + 1
	for usage in help:gmatch("%f[^\n\0][u ][^\n]-: provium %l+ ([^\n]*)") do
		local words = {}
		-- An option and its value are no arguments: "[--fixture NAME]".
		usage = usage:gsub("%[%-[^%]]*%]", "")
		for word in usage:gmatch("%S+") do
			if word ~= "[OPTION]..." then words[#words + 1] = word:gsub("[%[%]]", ""):gsub("%.%.%.$", "") end
		end
		local word = words[n] or words[#words] and usage:find("%.%.%.$") and words[#words]
		local is_this_form = n == 1 or not words[1] or not words[1]:find("^%l") or words[1] == typed[1]
		if word and is_this_form then
			local values = word:find("^%l") and { word } or VALUES[word] and VALUES[word](typed) or {}
			for _, value in ipairs(values) do list[#list + 1] = value end
		end
	end
	return list
end

-- --- the command ---

local function candidates(overview, help, n, words)
	if n == 1 then return commands(overview) end
	local word, before = words[n] or "", words[n - 1]
	if word:find("^%-") then return complete.options(help) end
	local value = before:find("^%-") and value_of(help, before)
	if value then return VALUES[value] and VALUES[value](words) or {} end
	if help:find("VARIABLE=VALUE", 1, true) then return variables(help) end
	local typed = {}
	for i = 2, n - 1 do
		local is_value = words[i - 1]:find("^%-") and value_of(help, words[i - 1])
		if not words[i]:find("^%-") and not is_value then typed[#typed + 1] = words[i] end
	end
	return arguments(help, typed)
end

-- overview: what `provium --help` prints; help: what the command's --help does,
-- "" if there is no such command.
function complete.run(overview, help, n, ...)
	local words, has = { ... }, {}
	n = tonumber(n)
	local word = words[n] or ""
	if n > 1 and help == "" then return 0 end
	for _, line in ipairs(candidates(overview, help, n, words)) do
		if line:sub(1, #word) == word and not has[line] then print(line) end
		has[line] = true
	end
	return 0
end

return complete
