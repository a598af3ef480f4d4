-- SPDX-License-Identifier: GPL-2.0-only
-- provium gdb NAME: gdb on the user's terminal, connected to a clone, with the
-- symbols of its kernel and its modules.

local core = require "provium.core"
local fixture = require "provium.fixture"
local module_file = require "provium.module_file"
local gdb_modules = require "provium.gdb_modules"

local gdb = {}

local EXEC_TIMEOUT_S = 5

-- Returns the path of the kernel's file with debugging information. Raises an
-- error if there is none of this build.
local function vmlinux_of(info)
	local path = info.debug and core.realpath(info.debug .. "/vmlinux")
	if not path then
		error(("profile %s has no kernel with debugging information: there is no %s; %s"):format(info.profile,
			info.debug and info.debug .. "/vmlinux" or "debug = FOLDER in its provium.toml",
			"use a profile whose kernel make builds (PROFILE=minimal), or put the unstripped vmlinux there"), 0)
	end
	local _, id = core.symbols(path, {})
	local _, its_id = core.symbols(info.kernel, {})
	if its_id and its_id ~= "" and its_id ~= id then
		error(("%s is of another build than %s; run make kernel"):format(path, info.kernel), 0)
	end
	return path
end

-- Returns how far the kernel is from where it was linked (KASLR), as text.
local function kernel_offset(vm, vmlinux)
	local text = vm.core:console():match(".*Kernel Offset: (0x%x+) from")
	if not vm:is_running() then return text or "0" end
	local ok, found = pcall(vm.exec, vm, "grep -m1 ' _text$' /proc/kallsyms", { timeout = EXEC_TIMEOUT_S })
	local address = ok and math.tointeger("0x" .. (found.stdout:match("^%x+") or ""))
	local linked = core.symbols(vmlinux, { { name = "_text", size = 0 } })[1]
	return address and linked and ("0x%x"):format(address - linked.value) or "0"
end

-- Returns the text as a Python string.
local function python_string(text)
	return "'" .. text:gsub("[\\'%c]", function(c) return ("\\x%02x"):format(c:byte()) end) .. "'"
end

-- Returns the first commands of gdb.
local function script_of(vm, info)
	local entries = {}
	for _, file in ipairs(core.list(info.debug)) do
		local path = file ~= "vmlinux" and core.realpath(info.debug .. "/" .. file)
		if path then
			local name = module_file.name_of(file)
			entries[#entries + 1] = python_string(name) .. ": " .. python_string(path)
		end
	end
	return table.concat({
		"python", ("PROVIUM_MODULES = { %s }"):format(table.concat(entries, ", ")),
		("PROVIUM_ALIVE = %s"):format(vm:is_running() and "True" or "False"), gdb_modules, "end",
		"set pagination on", "",
	}, "\n")
end

-- Paths in the debugging information are relative to the kernel's source, to
-- its build folder, or to the kit.
local function arguments(vm, vmlinux)
	local build = vmlinux:match("^(.*)/")
	local source, _, _, kit = core.realpath(build .. "/source"), core.home()
	return {
		"gdb", "-q", "-iex", "set pagination off", "-iex", "add-auto-load-safe-path " .. build,
		"-ex", ('exec-file "%s"'):format(vmlinux),
		"-ex", ('symbol-file "%s" -o %s'):format(vmlinux, kernel_offset(vm, vmlinux)),
		"-ex", ("set directories %s:%s:%s"):format(source or build, build, kit),
		"-ex", "set breakpoint pending on",
	}
end

-- Starts gdb on the terminal. Returns a debugger, which has a method wait().
function gdb.start(vm)
	local info = vm.core:info()
	local vmlinux = vmlinux_of(info)
	local words = arguments(vm, vmlinux)
	return vm.core:debugger(words, script_of(vm, info))
end

-- what: as for fixture.clone_for_command().
function gdb.run(what)
	local is_profile, vm_of_profile = pcall(core.vm, what or core.default_profile())
	if is_profile then vmlinux_of(vm_of_profile:info()) end
	local vm, name = fixture.clone_for_command(what)
	io.stderr:write(("gdb on a clone of %s, which stands; `continue` lets it run, `quit` ends it\n"):format(name))
	gdb.start(vm):wait()
	vm:kill()
	return 0
end

return gdb
