-- SPDX-License-Identifier: GPL-2.0-only
-- help(x) of the Lua prompt: the section of docs/api.md about a function.

local documents = require "provium.documents"
local VM = require "provium.vm"

local USAGE = "help(vm.exec), help \"exec\" or help(provium.pack) shows what docs/api.md says about it"

-- Returns the names by which the documentation can call a value: "vm:exec".
local function names_of(value)
	local names = {}
	for prefix, its_table in pairs { ["vm:"] = VM, ["provium."] = _G.provium, [""] = _G } do
		for key, its_value in next, its_table do
			local is_it = rawequal(its_value, value) and type(key) == "string"
			if is_it then names[#names + 1] = prefix .. key end
		end
	end
	table.sort(names)
	return names
end

-- Does the heading, such as "### `vm:shutdown()`, `vm:kill()`", name the
-- function?
local function is_about(heading, name)
	local plain = name:match("[%w_]+$") or name
	for code in heading:gmatch("`([^`]*)`") do
		local its_name = code:match("^[%w_.:]+") or ""
		if its_name == name or its_name:match("[%w_]+$") == plain then return true end
	end
	return false
end

-- Returns the text of the sections about the function.
local function text_about(name)
	local found = {}
	for _, section in ipairs(documents.sections("api.md")) do
		if is_about(section.heading, name) then found[#found + 1] = documents.text(section) end
	end
	return table.concat(found, "\n\n")
end

-- x: a function, a table of the API, or a name.
return function(x)
	local names = type(x) == "string" and { x } or x ~= nil and names_of(x) or {}
	for _, name in ipairs(names) do
		local text = text_about(name)
		if text ~= "" then
			print(text)
			return
		end
	end
	print(x == nil and USAGE or "docs/api.md says nothing about this; " .. USAGE)
end
