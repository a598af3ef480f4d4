-- SPDX-License-Identifier: GPL-2.0-only
-- The table vm.NAME, for a kernel module NAME that adds system calls: it has a
-- method for each call.
--
-- The calls are the rows of NAME.calls.lua, beside the module's .ko.
-- mk/gen/calls.awk makes that file from the module's .def file.

local check_string = require "provium.options".string
local pointer = require "provium.pointer"
local read_file = require "provium.read_file"
local session = require "provium.session"

local calls = { methods = {} }

local MAX_OUT_BYTES = 1 << 30

-- The folder with modules of each VM; false if the profile has none.
local folders = setmetatable({}, { __mode = "k" })
-- The rows of each module by folder, module and name; false if the module has
-- no calls.
local known = {}

local function load_rows(path)
	session.note(path)
	local text = read_file(path)
	if not text then return false end
	session.depend(path)
	local rows = {}
	for i, row in ipairs(assert(load(text, "=" .. path, "t", {}))()) do
		row.position = i
		rows[row.name] = row
	end
	return rows
end

-- Returns the rows of a module that is built for this VM's kernel, or false.
local function rows_of(vm, module)
	local dir = folders[vm.core]
	if dir == nil then
		dir = vm.core:info().modules or false
		folders[vm.core] = dir
	end
	known[dir] = known[dir] or {}
	local in_dir = known[dir]
	if in_dir[module] == nil then
		in_dir[module] = dir and type(module) == "string" and module:find("^[a-z][a-z0-9_]*$") and
			load_rows(("%s/%s.calls.lua"):format(dir, module)) or false
	end
	return in_dir[module]
end

-- Returns the names as "a, b, c", in the order of the .def file.
local function names(rows)
	local list = {}
	for name in pairs(rows) do list[#list + 1] = name end
	table.sort(list, function(a, b) return rows[a].position < rows[b].position end)
	return table.concat(list, ", ")
end

-- --- from a test's arguments to those of the system call ---

local RANGES = {
	int = { -0x80000000, 0x7fffffff }, fd = { -0x80000000, 0x7fffffff },
	u32 = { 0, 0xffffffff }, flags = { 0, 0xffffffff },
	s64 = { math.mininteger, math.maxinteger }, u64 = { math.mininteger, math.maxinteger },
}

local function check_integer(label, kind, v)
	local range = RANGES[kind]
	if math.type(v) ~= "integer" or v < range[1] or v > range[2] then
		error(("%s: expected %s, got %s; use vm:syscall() to pass any other word")
			:format(label, kind == "flags" and "flags (a u32)" or "a " .. kind, tostring(v)), 0)
	end
	return v
end

-- Returns the Pointer for data that a test wrote.
local function take_data(label, field, v)
	return pointer.of(v) or error(("%s: %s: expected a string, got %s"):format(label, field, type(v)), 0)
end

-- Takes a struct, given as DATA, provium.struct() or { DATA, { ptr_offset =,
-- data = … }, … }. Returns a Pointer to it, and adds the pointers of the last
-- form to the call.
local function take_struct(call, label, v)
	if type(v) ~= "table" or pointer.of(v) then return take_data(label, "struct", v) end
	for i = 2, #v do
		local spec = {}
		for key, value in pairs(v[i]) do spec[key] = value end
		if spec.parent then spec.parent = spec.parent + call.pointers_before else spec.buf_idx = #call.words end
		call.pointers[#call.pointers + 1] = spec
	end
	call.pointers_before = #call.pointers
	return take_data(label, "struct", v[1])
end

-- Adds a Pointer as the next word of the call.
local function add_pointer(call, to)
	call.bufs[#call.words] = to
	call.words[#call.words + 1] = 0
end

-- For each type of argument: a function that adds the test's value v to the
-- call.
local convert = {
	str = function(call, label, v)
		v = check_string(label, "path or name", v)
		if v:find("\0", 1, true) then error(("%s: a string must not contain a NUL byte"):format(label), 0) end
		add_pointer(call, pointer.of(v .. "\0"))
	end,
	["in"] = function(call, label, v)
		local to = take_data(label, "data", v)
		add_pointer(call, to)
		call.words[#call.words + 1] = to.len
	end,
	out = function(call, label, v)
		if not pointer.is(v) and (math.type(v) ~= "integer" or v < 0 or v > MAX_OUT_BYTES) then
			error(("%s: expected the buffer's length, got %s"):format(label, tostring(v)), 0)
		end
		local to = pointer.is(v) and v or pointer.out(v)
		add_pointer(call, to)
		call.words[#call.words + 1] = to.len
	end,
	inout = function(call, label, v)
		local to = take_data(label, "data", v)
		add_pointer(call, pointer.inout(to))
		call.words[#call.words + 1] = to.len
	end,
	struct = function(call, label, v)
		add_pointer(call, pointer.inout(take_struct(call, label, v)))
	end,
}

-- Makes the call of a row of the .calls.lua, with n arguments. Its fields:
-- words, the arguments of the system call; bufs and pointers, as syscall_ptr()
-- takes them; pointers_before, how many pointers belong to earlier structs.
local function new_call(module, row, n, ...)
	local call = { words = {}, bufs = {}, pointers = {}, pointers_before = 0 }
	local name = ("%s:%s"):format(module, row.name)
	if n > #row.args then error(("%s: %d arguments; it takes %d"):format(name, n, #row.args), 0) end
	for i, arg in ipairs(row.args) do
		local label, v = ("%s: %s"):format(name, arg.name), (select(i, ...))
		if convert[arg.type] then
			convert[arg.type](call, label, v)
		elseif v == nil and arg.type == "flags" then
			call.words[#call.words + 1] = 0
		else
			call.words[#call.words + 1] = check_integer(label, arg.type, v)
		end
	end
	return call
end

function calls.methods:module_call(module, name, ...)
	local rows = rows_of(self, module)
	if not rows then
		error(("module_call: %s: no file %s.calls.lua in the folder of this kernel's modules")
			:format(tostring(module), tostring(module)), 0)
	end
	local row = rows[name]
	if not row then error(("%s has no system call \"%s\"; its calls are: %s"):format(module, tostring(name), names(rows)), 0) end
	local call = new_call(module, row, select("#", ...), ...)
	if not next(call.bufs) then return self:syscall(row.nr, table.unpack(call.words)) end
	return self:syscall_ptr(row.nr, call.bufs, call.pointers, table.unpack(call.words))
end

-- --- finding a module and its calls by name ---

-- Returns the number of the system call "MODULE_CALL", or nil if there is no
-- such module and call. Both parts of the name can contain underscores.
function calls.number_of(vm, name)
	for at in name:gmatch("()_") do
		local rows = rows_of(vm, name:sub(1, at - 1))
		local row = rows and rows[name:sub(at + 1)]
		if row then return row.nr end
	end
end

local Module = {}

-- Returns the table vm.NAME of a VM or worker; nil if there is no module NAME
-- with system calls.
function calls.module_of(vm, name)
	if not rows_of(vm, name) then return nil end
	return setmetatable({ vm = vm, module = name, rows = rows_of(vm, name) }, Module)
end

function Module.__index(self, name)
	local module, rows = rawget(self, "module"), rawget(self, "rows")
	if name == "async" then
		return function(_, call, ...) return self.vm:async("module_call", module, call, ...) end
	end
	if not rows[name] then
		error(("%s has no system call \"%s\"; its calls are: %s"):format(module, tostring(name), names(rows)), 2)
	end
	return function(_, ...) return self.vm:module_call(module, name, ...) end
end

return calls
