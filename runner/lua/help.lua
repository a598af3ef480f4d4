-- SPDX-License-Identifier: GPL-2.0-only
-- help(x) of the Lua prompt: the section of docs/api.md about a function.

local core = require "provium.core"
local VM = require "provium.vm"

-- Relative to the kit's folder: in a checkout, and installed (mk/install.mk).
local DOCUMENTS = { "docs/api.md", "../../share/doc/provium/docs/api.md" }
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

local function open_document()
	local _, _, kit = core.home()
	for _, path in ipairs(DOCUMENTS) do
		local file = io.open(kit .. "/" .. path)
		if file then return file end
	end
	error("help: there is no docs/api.md of this kit: looked in " .. kit .. "/docs", 0)
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

-- Returns the lines of the sections about the function.
local function sections_about(name)
	local file <close> = open_document()
	local found, is_in = {}, false
	for line in file:lines() do
		local heading = line:match("^##+ (.*)")
		if heading then is_in = is_about(heading, name) end
		if is_in then found[#found + 1] = heading and heading:gsub("`", "") or line end
	end
	return found
end

-- x: a function, a table of the API, or a name.
return function(x)
	local names = type(x) == "string" and { x } or x ~= nil and names_of(x) or {}
	for _, name in ipairs(names) do
		local lines = sections_about(name)
		if #lines > 0 then
			print((table.concat(lines, "\n"):gsub("\n+$", "")))
			return
		end
	end
	print(x == nil and USAGE or "docs/api.md says nothing about this; " .. USAGE)
end
