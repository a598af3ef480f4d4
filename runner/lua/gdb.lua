-- SPDX-License-Identifier: GPL-2.0-only
-- provium gdb NAME: gdb on the user's terminal, connected to a clone, with the
-- symbols of its kernel and its modules.

local core = require "provium.core"
local fixture = require "provium.fixture"
local module_file = require "provium.module_file"
local gdb_modules = require "provium.gdb_modules"
local gdb_stacks = require "provium.gdb_stacks"

local gdb = {}

local EXEC_TIMEOUT_S = 5

-- Returns the path of the kernel's file with debugging information. Raises an
-- error if there is none of this build.
local function vmlinux_of(info)
	local path = info.debug and core.realpath(info.debug .. "/vmlinux")
	if not path then
		error(("profile %s has no kernel with debugging information: there is no %s; %s"):format(info.profile,
			info.debug and info.debug .. "/vmlinux" or "debug = FOLDER in its provium.toml",
			"use a profile whose kernel make builds (PROFILE=minimal); for a kernel that is built already, give KDIR= the " ..
			"folder with its vmlinux, or install Debian's package linux-image-RELEASE-dbg, and run make again"), 0)
	end
	local _, id = core.symbols(path, {})
	local _, its_id = core.symbols(info.kernel, {})
	if its_id and its_id ~= "" and its_id ~= id then
		error(("%s is of another build than %s; run %s kernel PROFILE=%s"):format(path, info.kernel, core.make(),
			info.profile), 0)
	end
	return path
end

-- Returns how far the kernel is from where it was linked, as text. text_at: the
-- address of the symbol _text, as hexadecimal digits; nil: where it was linked.
local function offset_of(vmlinux, text_at)
	local address = text_at and math.tointeger("0x" .. text_at)
	local linked = core.symbols(vmlinux, { { name = "_text", size = 0 } })[1]
	return address and linked and ("0x%x"):format(address - linked.value) or "0"
end

-- Returns how far the guest's kernel is from where it was linked (KASLR).
local function kernel_offset(vm, vmlinux)
	if vm.kernel_offset then return vm.kernel_offset end
	local text = vm.core:console():match(".*Kernel Offset: (0x%x+) from")
	if not vm:is_running() then return text or "0" end
	local ok, found = pcall(vm.exec, vm, "grep -m1 ' _text$' /proc/kallsyms", { timeout = EXEC_TIMEOUT_S })
	return offset_of(vmlinux, ok and found.stdout:match("^%x+"))
end

-- Notes the kernel's offset of a VM that will be kept: asking for it later
-- would change the guest.
function gdb.note_offset(vm)
	local ok, vmlinux = pcall(vmlinux_of, vm.core:info())
	if ok then vm.kernel_offset = kernel_offset(vm, vmlinux) end
end

-- Returns what gdb must know about a VM that will be kept. Paths are absolute.
function gdb.facts_of(vm)
	local info = vm.core:info()
	return {
		profile = info.profile, debug = info.debug and core.realpath(info.debug) or info.debug,
		kernel = core.realpath(info.kernel), offset = vm.kernel_offset,
	}
end

-- Returns the text as a Python string.
function gdb.python_string(text)
	return "'" .. text:gsub("[\\'%c]", function(c) return ("\\x%02x"):format(c:byte()) end) .. "'"
end

-- Returns the paths of the modules of the profile, with debugging information.
local function modules_of(info)
	local paths = {}
	for _, file in ipairs(core.list(info.debug)) do
		if file ~= "vmlinux" then paths[#paths + 1] = core.realpath(info.debug .. "/" .. file) end
	end
	return paths
end

-- Returns the first commands of gdb. modules: paths of .ko files.
local function script_of(modules, is_alive)
	local entries = {}
	for _, path in ipairs(modules) do
		local name = module_file.name_of(path)
		entries[#entries + 1] = gdb.python_string(name) .. ": " .. gdb.python_string(path)
	end
	return table.concat({
		"python", ("PROVIUM_MODULES = { %s }"):format(table.concat(entries, ", ")),
		("PROVIUM_ALIVE = %s"):format(is_alive and "True" or "False"), gdb_modules, gdb_stacks, "end",
		"set pagination on", "",
	}, "\n")
end

-- Paths in the debugging information are relative to the kernel's source, to
-- its build folder, or to the kit.
local function arguments(vmlinux, offset)
	local build = vmlinux:match("^(.*)/")
	local source, _, _, kit = core.realpath(build .. "/source"), core.home()
	return {
		"gdb", "-q", "-iex", "set pagination off", "-iex", "add-auto-load-safe-path " .. build,
		"-ex", ('exec-file "%s"'):format(vmlinux),
		"-ex", ('symbol-file "%s" -o %s'):format(vmlinux, offset),
		"-ex", ("set directories %s:%s:%s"):format(source or build, build, kit),
		"-ex", "set breakpoint pending on",
	}
end

-- Starts gdb on the terminal. Returns a debugger, which has a method wait().
function gdb.start(vm)
	local info = vm.core:info()
	local vmlinux = vmlinux_of(info)
	local words = arguments(vmlinux, kernel_offset(vm, vmlinux))
	return vm.core:debugger(words, script_of(modules_of(info), vm:is_running()))
end

-- Returns gdb's arguments and its first commands for a guest that has no agent
-- to ask. info: the VM's core:info(); text_at: the address of the symbol _text,
-- nil for where the kernel was linked; modules: see script_of().
function gdb.for_replay(info, text_at, modules)
	local vmlinux = vmlinux_of(info)
	return arguments(vmlinux, offset_of(vmlinux, text_at)), script_of(modules, true)
end

-- Starts gdb on a kept VM, and waits for its end. id: as for core.kept().
local function attach(id)
	local facts = core.kept(id)
	local vmlinux = vmlinux_of(facts)
	local words = arguments(vmlinux, facts.offset or "0")
	io.stderr:write(("gdb on the kept VM of %s; `quit` leaves it\n"):format(facts.test))
	core.kept_debugger(facts.id, words, script_of(modules_of(facts), not facts.panicked)):wait()
	return 0
end

-- Raises an error unless gdb can debug the profile of that name, or the default
-- profile, of which most fixtures are.
local function check_profile(name)
	local is_profile, vm = pcall(core.vm, name or core.default_profile())
	if not is_profile then vm = core.vm(core.default_profile()) end
	vmlinux_of(vm:info())
end

-- provium gdb. what: as for fixture.clone_for_command(). mode: "attach": what
-- is the id of a kept VM; "check": find out only whether gdb is possible.
function gdb.run(what, mode)
	if mode == "attach" then return attach(what) end
	check_profile(what)
	if mode == "check" then return 0 end
	local vm, name = fixture.clone_for_command(what)
	io.stderr:write(("gdb on a clone of %s, which is stopped; `continue` lets it run, `quit` ends it\n"):format(name))
	gdb.start(vm):wait()
	vm:kill()
	return 0
end

return gdb
