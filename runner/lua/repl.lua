-- SPDX-License-Identifier: GPL-2.0-only
-- provium repl [NAME], --on-failure=repl: a Lua prompt with a VM as vm, and the
-- whole API.

local core = require "provium.core"
local environment = require "provium.environment"
local errors = require "provium.errors"
local fixture = require "provium.fixture"
local globals = require "provium.globals"
local help = require "provium.help"
local limits = require "provium.limits"
local session = require "provium.session"
local show = require "provium.show"
local text = require "provium.text"
local verdict = require "provium.verdict"
local VM = require "provium.vm"

local repl = {}

-- The chunk name of what is typed: a position in it counts as the user's code,
-- as one in a test file does.
local CHUNK = "@(typed)"
local MORE = "... "		-- the prompt of a line that completes the one before it

-- --- completion ---

local function add_keys(list, of, prefix, word)
	for key in next, of do
		local candidate = type(key) == "string" and key:find("^[%a_][%w_]*$") and prefix .. key
		if candidate and not list[candidate] and candidate:sub(1, #word) == word then
			list[#list + 1], list[candidate] = candidate, true
		end
	end
end

-- Returns a function that completes a word by the names in env, the fields of a
-- table, the methods of a VM, and within quotes the names of system calls.
local function completer(env)
	return function(word, before)
		local list = {}
		local prefix, owner, mark = word:match("^((.*)([.:]))[%w_]*$")
		if before:find("[\"']$") then
			add_keys(list, core.nr, "", word)
		elseif not prefix then
			add_keys(list, env, "", word)
			add_keys(list, _G, "", word)
		elseif owner:find("^[%w_.]+$") then
			local chunk = load("return " .. owner, CHUNK, "t", env)
			local ok, value = pcall(chunk or error)
			if ok and type(value) == "table" then
				local is_vm = getmetatable(value) == VM
				if is_vm then add_keys(list, VM, prefix, word) end
				if not is_vm or mark == "." then add_keys(list, value, prefix, word) end
			end
		end
		table.sort(list)
		return list
	end
end

-- --- reading and evaluating ---

-- Returns the function that the text is, an expression or statements; or nil,
-- whether more text can complete it, and the error.
local function compile(source, env)
	local chunk = load("return " .. source, CHUNK, "t", env)
	if chunk then return chunk end
	local statements, why = load(source, CHUNK, "t", env)
	return statements, why and why:find("<eof>$") ~= nil, why
end

-- Reads lines until they are complete. Returns a function; or nil and an error
-- (false: nothing was typed); or nothing at the end of the input.
local function read(prompt, complete, env)
	local source, cancelled = core.line(prompt, complete)
	while source do
		if cancelled or not source:find("%S") then return nil, false end
		local chunk, is_open, why = compile(source, env)
		if not is_open then return chunk, why end
		local more
		more, cancelled = core.line(MORE, complete)
		source = more and source .. "\n" .. more
	end
end

-- Text of several lines is printed as it is, any other value as Lua writes it.
local function readable(value)
	value = text.plain(value)
	if type(value) == "string" and value:find("\n.", 1) and utf8.len(value) then return (value:gsub("\n$", "")) end
	return show.value(value)
end

local function print_results(results)
	local shown = {}
	for i = 1, results.n do shown[i] = readable(results[i]) end
	if results.n > 0 then print(table.concat(shown, "\t")) end
end

local function print_error(caught)
	if errors.kind_of(caught.value) == errors.KIND.interrupted then
		core.forget_interrupt()
		for _, vm in ipairs(session.vms) do
			if vm:is_running() then pcall(limits.abort_calls, vm) end
		end
		print("interrupted")
		return
	end
	local _, message = verdict.of_error(caught, true)
	print(message or "skipped")
end

local function evaluate(chunk)
	local results
	local ok, caught = core.protected_call(function() results = table.pack(chunk()) end, verdict.catch)
	if ok then print_results(results) else print_error(caught) end
	core.alarm(0)		-- a call that has waited at the gate has set an alarm for the time limits
end

-- Evaluates what the user types until the end of the input. names: the
-- variables; those that the user sets are added. Returns after a signal, too,
-- but not after Ctrl-C.
function repl.loop(names, prompt)
	names.help = help
	local env = setmetatable(names, { __index = _G })
	local complete = completer(env)
	core.line_begin()
	local _ <close> = setmetatable({}, { __close = core.line_end })
	repeat
		local chunk, why = read(prompt, complete, env)
		if chunk then evaluate(chunk) elseif why then print((why:gsub("^%(typed%):%d+: ", ""))) end
	until chunk == nil and why == nil or core.interrupted()
	print()
end

-- provium repl. what: as for fixture.clone_for_command().
function repl.run(what)
	globals.install(function() error("test: there are no tests at the prompt", 2) end)
	environment.coroutines()
	local vm, name = fixture.clone_for_command(what)
	environment.require(session.dir, session.depend)
	io.stderr:write(("`vm` is a clone of %s; help(vm.exec) explains a function, Tab completes, Ctrl-D ends it\n"):format(name))
	repl.loop({ vm = vm }, name .. "> ")
	vm:kill()
	return 0
end

-- --- the prompt in a failed test ---

-- Returns the local variables and upvalues of the functions of the test's code
-- that are running, by name; those of inner functions hide those of outer ones.
local function local_variables()
	local names, level = {}, 2
	while true do
		local info = debug.getinfo(level, "Sf")
		if not info then return names end
		local frame = {}
		local function add(get, of)
			for i = 1, math.huge do
				local name, value = get(of, i)
				if not name then break end
				if name:find("^[%a_]") and name ~= "_ENV" then frame[name] = value end
			end
		end
		if info.source:sub(1, 1) == "@" then
			add(debug.getupvalue, info.func)
			add(function(_, i) return debug.getlocal(level + 2, i) end)
			for name, value in next, frame do
				if names[name] == nil then names[name] = value end
			end
		end
		level = level + 1
	end
end

-- Notes the variables at each error, for in_test().
function repl.watch_errors()
	session.on_error = function() session.variables = { of = session.test, names = local_variables() } end
end

-- Opens the prompt with the variables of the test t at its failure. vm: its VM.
function repl.in_test(t, vm, prompt)
	local noted = session.variables
	local names = noted and noted.of == t and noted.names or {}
	if names.vm == nil then names.vm = vm end
	repl.loop(names, prompt)
end

return repl
