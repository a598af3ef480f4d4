-- SPDX-License-Identifier: GPL-2.0-only
-- vm.NAME for a module NAME with system calls of its own: a method for each.
--
-- What there is to call says NAME.calls.lua, beside the module's .ko; it is made
-- from the module's .def by mk/gen/calls.awk.

local check_string = require "provium.options".string

return function(VM)

-- The folder of a VM's modules, or false; by folder and module, the rows by name, or false.
local folders = setmetatable({}, { __mode = "k" })
local known = {}

local function load_rows(path)
	local file = io.open(path, "rb")
	if not file then return false end
	local text = file:read("a")
	file:close()
	VM.harness.depend(path)
	local rows = {}
	for i, row in ipairs(assert(load(text, "=" .. path, "t", {}))()) do
		row.at = i
		rows[row.name] = row
	end
	return rows
end

-- The module's rows, for this VM's kernel.
local function rows_of(vm, module)
	local dir = folders[vm.core]
	if dir == nil then
		dir = vm.core:info().modules or false
		folders[vm.core] = dir
	end
	local there = known[dir]
	if not there then
		there = {}
		known[dir] = there
	end
	if there[module] == nil then
		there[module] = dir and type(module) == "string" and module:find("^[a-z][a-z0-9_]*$") and
			load_rows(("%s/%s.calls.lua"):format(dir, module)) or false
	end
	return there[module]
end

local function names(rows)
	local list = {}
	for name in pairs(rows) do list[#list + 1] = name end
	table.sort(list, function(a, b) return rows[a].at < rows[b].at end)
	return table.concat(list, ", ")
end

-- --- arguments ---

local RANGES = {
	int = { -0x80000000, 0x7fffffff }, fd = { -0x80000000, 0x7fffffff },
	u32 = { 0, 0xffffffff }, flags = { 0, 0xffffffff },
	s64 = { math.mininteger, math.maxinteger }, u64 = { math.mininteger, math.maxinteger },
}

local function integer(label, kind, v)
	local range = RANGES[kind]
	if math.type(v) ~= "integer" or v < range[1] or v > range[2] then
		error(("%s: expected %s, got %s; what is no %s goes with vm:syscall")
			:format(label, kind == "flags" and "flags (a u32)" or "a " .. kind, tostring(v), kind), 0)
	end
	return v
end

-- { DATA, { ptr_offset =, data = ... }, ... } or DATA: the bytes, and the pointers in them.
local function struct(call, label, v)
	if type(v) ~= "table" then return check_string(label, "struct", v) end
	for i = 2, #v do
		local spec = {}
		for key, value in pairs(v[i]) do spec[key] = value end
		if spec.parent then spec.parent = spec.parent + call.pointers_before else spec.buf_idx = #call.words end
		call.pointers[#call.pointers + 1] = spec
	end
	call.pointers_before = #call.pointers
	return check_string(label, "struct", v[1])
end

-- A buffer is the next word of the call; `is_out`: the caller gets it back.
local function buffer(call, data, is_out)
	call.bufs[#call.words] = data
	call.order[#call.order + 1] = is_out
	call.words[#call.words + 1] = 0
end

local convert = {
	str = function(call, label, v)
		v = check_string(label, "path or name", v)
		if v:find("\0", 1, true) then error(("%s: a string with a NUL in it; end it where it ends"):format(label), 0) end
		buffer(call, v .. "\0", false)
	end,
	["in"] = function(call, label, v)
		buffer(call, check_string(label, "data", v), false)
		call.words[#call.words + 1] = #v
	end,
	out = function(call, label, v)
		if math.type(v) ~= "integer" or v < 0 or v > 1 << 30 then
			error(("%s: expected the buffer's length, got %s"):format(label, tostring(v)), 0)
		end
		buffer(call, ("\0"):rep(v), true)
		call.words[#call.words + 1] = v
	end,
	inout = function(call, label, v)
		buffer(call, check_string(label, "data", v), true)
		call.words[#call.words + 1] = #v
	end,
	struct = function(call, label, v)
		buffer(call, struct(call, label, v), true)
	end,
}

-- What a row makes of a test's arguments.
local function request_of(module, row, n, ...)
	local call = { words = {}, bufs = {}, order = {}, pointers = {}, pointers_before = 0 }
	local who = ("%s:%s"):format(module, row.name)
	if n > #row.args then error(("%s: %d arguments; it takes %d"):format(who, n, #row.args), 0) end
	for i, arg in ipairs(row.args) do
		local label, v = ("%s: %s"):format(who, arg.name), (select(i, ...))
		if convert[arg.type] then
			convert[arg.type](call, label, v)
		elseif v == nil and arg.type == "flags" then
			call.words[#call.words + 1] = 0
		else
			call.words[#call.words + 1] = integer(label, arg.type, v)
		end
	end
	return call
end

-- ret, then the buffers that the caller gets back, then what the pointers led to.
local function results(order, ret, ...)
	local list = {}
	for i = 1, select("#", ...) do
		if order[i] ~= false then list[#list + 1] = (select(i, ...)) end
	end
	return ret, table.unpack(list)
end

function VM:module_call(module, name, ...)
	local rows = rows_of(self, module)
	if not rows then
		error(("module_call: %s: there is no %s.calls.lua beside this kernel's modules")
			:format(tostring(module), tostring(module)), 0)
	end
	local row = rows[name]
	if not row then error(("%s has no system call \"%s\"; there are: %s"):format(module, tostring(name), names(rows)), 0) end
	local call = request_of(module, row, select("#", ...), ...)
	if not next(call.bufs) then return self:syscall(row.nr, table.unpack(call.words)) end
	return results(call.order, self:syscall_ptr(row.nr, call.bufs, call.pointers, table.unpack(call.words)))
end

-- --- names ---

-- The number of "kacs_open_self_token", if there is such a module and call.
function VM.module_number(vm, name)
	for at in name:gmatch("()_") do
		local rows = rows_of(vm, name:sub(1, at - 1))
		local row = rows and rows[name:sub(at + 1)]
		if row then return row.nr end
	end
end

local Module = {}

-- What is no method may be a module.
function VM.__index(vm, key)
	local method = VM[key]
	if method == nil and rawget(vm, "core") then return VM.module_of(vm, key) end
	return method
end

-- A VM's or worker's vm.kacs; nil for what is no such module.
function VM.module_of(vm, name)
	if not rows_of(vm, name) then return nil end
	return setmetatable({ vm = vm, module = name, rows = rows_of(vm, name) }, Module)
end

function Module.__index(self, name)
	local module, rows = rawget(self, "module"), rawget(self, "rows")
	if name == "async" then
		return function(_, call, ...) return self.vm:async("module_call", module, call, ...) end
	end
	if not rows[name] then
		error(("%s has no system call \"%s\"; there are: %s"):format(module, tostring(name), names(rows)), 2)
	end
	return function(_, ...) return self.vm:module_call(module, name, ...) end
end

end
