-- SPDX-License-Identifier: GPL-2.0-only
-- types/provium.lua, which tells an editor's language server about the API:
-- against docs/api.md and against the API itself.

local kit = require "kit"
local runner = require "runner"

local VM = require "provium.vm"

local TYPES = runner.read(kit.root .. "/types/provium.lua")
local API = runner.read(kit.root .. "/docs/api.md")

-- Methods of a VM that only the harness calls.
local INTERNAL = {
	"adopt", "check_free", "create", "full_label", "note_functions", "op", "op_with_output", "read_log",
	"supervisor_op",
}
local LUA_TYPES = {}
for name in ("any boolean function integer nil number string table fun T"):gmatch("%w+") do LUA_TYPES[name] = true end

local function in_one_line(text) return (text:gsub("%s+", " ")) end

-- --- the parser of types/provium.lua ---

-- Returns the functions by name: { parameters = names, tags = a list of { tag,
-- rest }, text = the description }; and the classes by name: sets of fields.
local function parse(source)
	local functions, classes, tags, text = {}, {}, {}, ""
	local class
	for line in source:gmatch("([^\n]*)\n") do
		local tag, rest = line:match("^%-%-%-@(%w+) ?(.*)")
		local name, parameters = line:match("^function ([%w_.:]+)%(([^)]*)%) end$")
		if tag then
			tags[#tags + 1] = { tag, rest }
			if tag == "class" or tag == "alias" then
				class = {}
				classes[rest:match("^%w+")] = class
			elseif tag == "field" then
				class[rest:match("^[%w_]+")] = true
			end
		elseif line:find("^%-%-%-") then
			text = text .. " " .. line:sub(4)
		elseif name then
			functions[name] = { parameters = parameters, tags = tags, text = text }
		end
		if not line:find("^%-%-%-") then tags, text = {}, "" end
	end
	return functions, classes
end

local functions, classes = parse(TYPES)

-- Returns the names of the @param tags of a function, "a, b", without or with
-- the "?" of those that are optional.
local function tagged(fn, is_marked)
	local names = {}
	for _, tag in ipairs(fn.tags) do
		if tag[1] == "param" then names[#names + 1] = tag[2]:match(is_marked and "^%S+" or "^[^%s?]+") end
	end
	return table.concat(names, ", ")
end

test("types/provium.lua is valid Lua, and each function's @param tags name its parameters", function()
	assert(load(TYPES, "types/provium.lua"))
	local nr = 0
	for name, fn in pairs(functions) do
		assert_eq(fn.parameters, tagged(fn), name)
		nr = nr + 1
	end
	assert(nr > 60, nr)
end)

test("each type that types/provium.lua uses is declared there or Lua's own", function()
	for line in TYPES:gmatch("%-%-%-@([^\n]*)") do
		local tag, text = line:match("^(%w+) ?(.*)")
		local kind = tag == "param" and text:match("^%S+ (.*)") or tag == "field" and text:match("^%S+ (%S+)")
			or tag == "return" and text:match("^%S+") or tag == "class" and text:match(": (%w+)") or ""
		for name in kind:gsub('"[^"]*"', ""):gsub("[%w_]+: ", ""):gmatch("%f[%w]%a%w+") do
			assert(classes[name] or LUA_TYPES[name], ("%s: there is no type %s"):format(line, name))
		end
	end
end)

-- --- docs/api.md ---

-- Returns the parameters of a heading's signature as types/provium.lua has
-- them. A list of numbered parameters is "...", a table of options "opts?".
local function parameters_of(signature)
	local list = signature:match("%((.*)%)$")
	if not list then return nil end
	return (list:gsub("a1, %.%.%.,? ?a?6?", "..."):gsub("{ %[idx%] = data }", "bufs")
		:gsub("{ [%w_]+ =[^}]*}", "opts?"):gsub("function%(b%) %.%.%. end", "fn"))
end

-- Calls fn(name, signature) for each signature in the headings, with the name
-- as types/provium.lua has it.
local function each_signature(fn)
	for heading in API:gmatch("\n### ([^\n]*)") do
		local prefix
		for signature in heading:gmatch("`([^`]*)`") do
			local name = signature:match("^[%w_.:]+")
			prefix = name:match("^%w+[.:]") or prefix
			name = (name:find("[.:]") and name or (prefix or "") .. name)
				:gsub("^w:", "vm:"):gsub("^call:", "Call:"):gsub("^vm%.MODULE:CALL$", "vm:module_call")
			-- A name after "assert_eq(…)" or "vm:x(…), wait_until(…)" has no prefix.
			local plain = signature:match("^[%w_]+")
			if not functions[name] and functions[plain] then name = plain end
			fn(name, signature)
		end
	end
end

test("types/provium.lua has every function, field and parameter that docs/api.md has", function()
	local nr = 0
	each_signature(function(name, signature)
		local table_name, field = name:match("^(%w+)%.([%w_]+)$")
		local documented = parameters_of(signature)
		if name == "assert" then return end	-- Lua's own
		if documented == nil and table_name and not functions[name] then
			assert(classes[table_name == "vm" and "VM" or table_name][field], name .. " is not a field")
		else
			local fn = functions[name]
			assert(fn, name .. " is missing")
			local has_dots = documented and documented:find("...", 1, true) and name == "vm:module_call"
			local is_compared = documented and not has_dots and name ~= "test"
			if is_compared then assert_eq(documented, tagged(fn, true), name) end
		end
		nr = nr + 1
	end)
	assert(nr > 60, nr)
end)

test("each function of types/provium.lua is documented, and described by sentences of docs/api.md", function()
	local documented, text = {}, in_one_line(API:gsub("%[([^]]*)%]%([^)]*%)", "%1"))
	each_signature(function(name) documented[name] = true end)
	for name, fn in pairs(functions) do
		assert(documented[name] or name == "wait_until", name .. " is not in a heading of docs/api.md")
		assert(fn.text ~= "", name .. " has no description")
		assert_contains(text, in_one_line(fn.text))
	end
end)

-- --- the API ---

test("types/provium.lua has every function of the API", function()
	local is_internal = {}
	for _, name in ipairs(INTERNAL) do
		is_internal[name] = true
		assert_eq("function", type(VM[name]), name)
	end
	for name, value in next, VM do
		if type(value) == "function" and not name:find("^__") and not is_internal[name] then
			assert(functions["vm:" .. name], "vm:" .. name .. " is missing")
		end
	end
	for name, value in next, provium do
		local is_there = type(value) == "function" and functions["provium." .. name] or classes.provium[name]
		assert(is_there, name .. " is missing")
	end
end)

test("the API has every function of types/provium.lua", function()
	for name in pairs(functions) do
		local class, key = name:match("^(%w+)[.:]([%w_]+)$")
		local owner = (class == "vm" or class == "worker") and VM or class == "provium" and provium
		if class ~= "Call" then
			assert_eq("function", type((owner or _G)[key or name]), name)
		end
	end
end)

local VALUES = { integer = 0, ["fun(): T?"] = function() end, Job = { id = 1 } }

test("the options in types/provium.lua are those that the functions list in an error", function()
	local is_checked = {}
	for name, fn in pairs(functions) do
		local args = name:find("^vm:") and { {} } or {}
		local class
		for _, tag in ipairs(fn.tags) do
			local parameter, kind = tag[2]:match("^(%S-)%?? (.*)")
			if tag[1] == "param" and parameter == "opts" then
				class = kind
				args[#args + 1] = { nonesuch = true }
			elseif tag[1] == "param" then
				args[#args + 1] = VALUES[kind] or kind:find("[]]$") and { "x" } or kind:find("^fun") and print or
					kind == "table" and { {} } or "x"
			end
		end
		if class then
			local owner = name:find("^vm:") and VM or name:find("^provium%.") and provium or _G
			local ok, err = pcall(owner[name:match("[%w_]+$")], table.unpack(args))
			local list = not ok and tostring(err):match("the options are: ([%w_, ]+)$")
			local fields = {}
			for _, at in ipairs { class, TYPES:match("@class " .. class .. ": (%w+)") } do
				for field in pairs(classes[at]) do fields[#fields + 1] = field end
			end
			table.sort(fields)
			if list then assert_eq(list, table.concat(fields, ", "), name) end
			is_checked[class] = is_checked[class] or list ~= nil
		end
	end
	-- vm:ktap() and vm:ltp(), with options of vm:exec(), use the VM first.
	for class in pairs(is_checked) do
		assert(is_checked[class], class .. ": no function lists its options in an error")
	end
	assert_eq(true, is_checked.BootOptions)
end)
