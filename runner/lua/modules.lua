-- SPDX-License-Identifier: GPL-2.0-only
-- insmod() and rmmod(): methods of a VM that insert and remove kernel modules.

local core = require "provium.core"
local errors = require "provium.errors"
local module_file = require "provium.module_file"
local module_params = require "provium.module_params"
local options = require "provium.options"
local session = require "provium.session"
local shell_word = require "provium.quote"
local stale_source = require "provium.stale_module"
local suggest = require "provium.suggest"
local syscall = require "provium.syscall"

local check_string = options.string
local name_of = module_file.name_of

local O_NONBLOCK = 0x800	-- of delete_module: do not wait for the module's users
local FIRST_LINES, LAST_LINES = 12, 3	-- most lines of the kernel's log in an error message

local methods = {}

-- --- finding a module's file ---

local function folder_of(path) return path:match("^(.*)/[^/]*$") or "." end

-- Returns the files of modules in the folder as { name = path }.
local function modules_in(dir)
	local paths = {}
	for _, file in ipairs(dir and core.list(dir) or {}) do
		for _, suffix in ipairs(module_file.SUFFIXES) do
			if file:sub(-#suffix) == suffix then paths[name_of(file)] = dir .. "/" .. file end
		end
	end
	return paths
end

-- Returns the command that runs make for the profile of a VM.
local function make_for(info)
	return core.make() .. options.profile_word(info.profile)
end

-- Returns the folders of modules whose last build failed, as words for an
-- error; "" if there are none. make writes NAME.failed (mk/modules.mk).
local function failed_builds(info)
	local dir = info.modules
	local folders = {}
	for _, file in ipairs(core.list(dir)) do
		if file:find("%.failed$") then
			local f = io.open(dir .. "/" .. file)
			folders[#folders + 1] = f and f:read("l")
			if f then f:close() end
		end
	end
	if #folders == 0 then return "" end
	return (": the last build of %s failed (%s modules MODULE=%s shows why)"):format(table.concat(folders, ", "),
		make_for(info), shell_word(table.concat(folders, " ")))
end

-- Returns the path of the profile's module of that name, or of the kernel's own
-- one. Raises an error if there is none.
local function built_module(vm, where, name)
	local info = vm.core:info()
	local of_kernel = modules_in(info.kernel_modules)[name_of(name)]
	if not info.modules then
		if of_kernel then return of_kernel end
		error(("%s: profile %s has no modules folder; give the path of the .ko file"):format(where, info.profile), 0)
	end
	local built = modules_in(info.modules)
	local path = built[name_of(name)] or of_kernel
	if path then return path end
	error(("%s: there is no module %s in %s%s%s; %s%s (%s modules builds those of modules/ and of MODULE=)"):format(
		where, name_of(name), info.modules, info.kernel_modules and ", nor among the kernel's own" or "",
		failed_builds(info), next(built) and "there are: " .. options.names(built) or "the folder has no modules",
		suggest(name_of(name), built), make_for(info)), 0)
end

local function exists(path) return core.identity(path) ~= nil end

-- Returns the path of the module's file, which is given by its path, or by a
-- name in the profile's folder of modules.
local function find_file(vm, where, name)
	if name:find("/", 1, true) then return session.find_file(name) end
	local path = session.find_file(name)
	if name:find("%.ko%f[%z.]") and exists(path) then return path end
	return built_module(vm, where, name)
end

-- Returns the file's contents, and what module_file.parse() says about them.
local function read_module(where, path)
	session.note(path)
	local data, why = module_file.read(path)
	if not data then error(("%s: %s"):format(where, why), 0) end
	session.depend(path)
	local info, reason = module_file.parse(data)
	if not info then errors.raise_errno("ENOEXEC", "%s: ENOEXEC: %s: %s", where, path, reason) end
	return data, info
end

local told_stale = {}	-- by path: tell_if_stale() has told the user

-- Tells the user, once, if the module is older than its sources.
local function tell_if_stale(vm, path)
	local info = vm.core:info()
	local is_built = folder_of(path) == info.modules
	if told_stale[path] or not is_built then return end
	told_stale[path] = true
	local source, folder = stale_source(info, path:match("[^/]*$"))
	if source then
		io.stderr:write(("insmod: %s is older than %s: to test the new source, run %s MODULE=%s first\n"):format(path,
			source, make_for(info), folder))
	end
end

-- --- error messages of insmod() and rmmod() ---

-- Returns the lines that the kernel itself has added to its log after line
-- nr_before.
local function new_lines(vm, nr_before)
	local lines, added = vm:read_log(), {}
	for i = nr_before + 1, #lines do
		if not vm.root.log_from_user[i] then added[#added + 1] = lines[i] end
	end
	return added
end

-- Returns the lines as the end of an error message. In a long list the first
-- and the last lines tell most.
local function quote(lines)
	local shown, left_out = {}, #lines - FIRST_LINES - LAST_LINES
	for i, line in ipairs(lines) do
		if left_out <= 1 or i <= FIRST_LINES or i > #lines - LAST_LINES then
			shown[#shown + 1] = line
		elseif i == FIRST_LINES + 1 then
			shown[#shown + 1] = ("(%d lines left out; vm:dmesg() has them)"):format(left_out)
		end
	end
	return #shown > 0 and "; the kernel said:\n  " .. table.concat(shown, "\n  ") or ""
end

-- Raises the error of insmod() or rmmod() that the kernel refused with ret.
-- explain: a function that gets the errno's name and the kernel's lines, and
-- returns a sentence or nil.
local function raise_module_error(vm, where, ret, nr_before, explain)
	local errno, lines = core.errno[-ret] or tostring(ret), new_lines(vm, nr_before)
	local reason = explain(errno, lines)
	errors.raise_errno(errno, "%s: %s%s%s", where, errno, reason and ": " .. reason or "", quote(lines))
end

-- Returns the path of the file in one of the folders whose module exports the
-- symbol, or nil.
local function exporter_of(symbol, folders)
	for _, dir in ipairs(folders) do
		for _, path in pairs(modules_in(dir)) do
			local info = module_file.parse(module_file.read(path) or "")
			if info and info.exports[symbol] then return path end
		end
	end
end

local function explain_symbol(symbol, folders)
	local path = exporter_of(symbol, folders)
	if path then
		return ("module %s exports %s and is not loaded; insert it first: vm:insmod(%q)"):format(name_of(path), symbol,
			name_of(path))
	end
	return ("neither this kernel nor a module in %s exports %s"):format(table.concat(folders, " or "), symbol)
end

-- Returns the sentence for a module with unknown symbols, or nil.
local function explain_symbols(lines, folders)
	local sentences, seen = {}, {}
	for _, line in ipairs(lines) do
		local symbol = line:match("Unknown symbol ([^ ]+)")
		if symbol and not seen[symbol] then
			seen[symbol] = true
			sentences[#sentences + 1] = explain_symbol(symbol, folders)
		end
	end
	return #sentences > 0 and table.concat(sentences, "; ") or nil
end

local function explain_insmod(vm, path, name)
	return function(errno, lines)
		if errno == "EEXIST" then return ("module %s is loaded already"):format(name) end
		for _, line in ipairs(lines) do
			local its, wanted = line:match("version magic '(.-)' should be '(.-)'")
			if its then
				if its:match("%S*") ~= wanted:match("%S*") then
					its, wanted = its:match("%S*"), wanted:match("%S*")
				end
				return ("%s was built for another kernel (%s), this one is %s; build it for this kernel")
					:format(path, its, wanted)
			end
		end
		local folders, built = { folder_of(path) }, vm.core:info().modules
		if built and built ~= folders[1] then folders[2] = built end
		return explain_symbols(lines, folders)
	end
end

-- --- insmod ---

-- Returns the loaded modules as { name = { count =, users = } } from
-- /proc/modules; nil if it cannot be read. count: the number of references.
local function loaded_modules(vm)
	local ok, text = pcall(vm.read_file, vm, "/proc/modules")
	if not ok then return nil end
	local loaded = {}
	for name, count, users in text:gmatch("(%S+) %d+ (%S+) (%S+)[^\n]*\n") do
		loaded[name] = { count = tonumber(count), users = users:gsub(",$", ""):gsub("^%-$", "") }
	end
	return loaded
end

local function init_module(vm, where, data, args)
	args = args .. "\0"
	return syscall.call(vm, { nr = core.nr.init_module, a1 = #data }, {
		{ arg = 0, parent = -1, len = #data, data = data },
		{ arg = 2, parent = -1, len = #args, data = args },
	}, where)
end

local insert

-- Inserts the modules on which the one at path depends, unless they are loaded
-- or there are no files of them: beside path, among the built modules or among
-- the kernel's own. Those without a file can be part of the kernel. seen: the
-- set of dependencies that were handled.
local function insert_dependencies(vm, where, path, depends, seen)
	if #depends == 0 then return end
	local loaded = loaded_modules(vm) or {}
	local info = vm.core:info()
	local beside, built = modules_in(folder_of(path)), modules_in(info.modules)
	local of_kernel = modules_in(info.kernel_modules)
	for _, name in ipairs(depends) do
		name = name_of(name)
		local its_path = beside[name] or built[name] or of_kernel[name]
		if its_path and not loaded[name] and not seen[name] then
			seen[name] = true
			insert(vm, ("%s: its dependency %s"):format(where, name), its_path, nil, seen)
		end
	end
end

-- Inserts the module of the file at path. dependencies: nil; or if it is
-- inserted as a dependency, the set seen of insert_dependencies().
function insert(vm, where, path, params, dependencies)
	local data, info = read_module(where, path)
	tell_if_stale(vm, path)
	local args = module_params(where, name_of(path), params, info.params)
	insert_dependencies(vm, where, path, info.depends, dependencies or {})
	local nr_before = #vm:read_log()
	vm.root.inserted[name_of(path)], vm.root.inserted_by_test[name_of(path)] = path, path
	local ret = init_module(vm, where, data, args)
	if ret >= 0 or dependencies and core.errno[-ret] == "EEXIST" then return end
	raise_module_error(vm, where, ret, nr_before, explain_insmod(vm, path, name_of(path)))
end

function methods:insmod(name, params)
	name = check_string("insmod", "module", name)
	local where = "insmod " .. name
	insert(self, where, find_file(self, where, name), params)
end

-- --- rmmod ---

local function explain_rmmod(vm, name)
	return function(errno)
		local loaded = (errno == "EAGAIN" or errno == "ENOENT") and loaded_modules(vm)
		if errno == "ENOENT" and loaded and not loaded[name] then
			return next(loaded) and "it is not loaded; loaded are: " .. options.names(loaded) or
				"it is not loaded; no module is"
		elseif errno == "EBUSY" then
			return "it has no exit function, or is being loaded or unloaded"
		elseif errno == "EAGAIN" and loaded and loaded[name] then
			local entry = loaded[name]
			if entry.users ~= "" then return ("in use by module %s; remove it first"):format(entry.users:gsub(",", ", ")) end
			return ("in use: its reference count is %d (open files, running calls)"):format(entry.count or 0)
		end
	end
end

function methods:rmmod(name)
	name = check_string("rmmod", "module", name)
	self:note_functions(name_of(name))
	local where, nr_before = "rmmod " .. name, #self:read_log()
	local ret = self:syscall_buf("delete_module", 0, name_of(name) .. "\0", 0, O_NONBLOCK)
	if ret < 0 then raise_module_error(self, where, ret, nr_before, explain_rmmod(self, name_of(name))) end
end

return { methods = methods }
