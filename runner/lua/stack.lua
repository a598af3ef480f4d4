-- SPDX-License-Identifier: GPL-2.0-only
-- Adds the source file and line to each entry of a kernel's stack:
-- "ring_read+0x10/0x40 [ring]" gets "  ring.c:42".
--
-- An entry consists of a function, an offset and, in brackets, a module, so it
-- does not matter where the kernel and its modules are in memory (KASLR). The
-- lines come from the debugging information in the profile's folder `debug`, by
-- addr2line(1); without either, the text stays as it is.

local core = require "provium.core"
local module_file = require "provium.module_file"
local show = require "provium.show"

local stack = {}

local TOOL_TIMEOUT_S = 30
local ENTRY = "([%w_.$]+)%+0x(%x+)/0x(%x+)(.*)"
-- Where Debian and Ubuntu build the kernels whose debugging information they
-- package.
local DEBIAN_BUILD = { "^/build/[^/]+/[^/]+/", "^debian/build/[^/]+/" }
local NR_SOURCE_LINES = 2	-- before and after the line of a module at fault

-- Returns the first entry in the line: { name, offset, size, module, key }; nil
-- if there is none.
local function entry_of(line)
	local name, offset, size, rest = line:match(ENTRY)
	if not name then return end
	return {
		name = name, offset = tonumber(offset, 16), size = tonumber(size, 16),
		module = rest:match("^ %[([%w_]+)[^%]]*%]"), key = ("%s+%s/%s%s"):format(name, offset, size, rest:match("^ %[[^%]]*%]") or ""),
		is_guess = line:find("%? [%w_.$]+%+0x") ~= nil,
		is_held_lock = line:find("#%d+: .* at: ") ~= nil,	-- in lockdep's list of held locks
		-- Here the address is the instruction's own; on a stack it is
		-- that of the instruction after a call.
		is_exact = line:find("RIP: ") ~= nil or line:find("pc : ") ~= nil or line:find("WARNING: ") ~= nil,
	}
end

-- Returns the files { with debugging information, that ran } for a module; nil
-- for the kernel.
local function files_of(vm, module)
	local info = vm.core:info()
	if not module then return info.debug and info.debug .. "/vmlinux" or info.kernel, info.kernel end
	local inserted = vm.inserted[module]
	for _, file in ipairs(info.debug and core.list(info.debug) or {}) do
		if module_file.name_of(file) == module then
			return info.debug .. "/" .. file, inserted or ("%s/%s"):format(info.modules or "", file)
		end
	end
	return inserted, inserted
end

-- Returns the build id of the ELF file, or nil.
local function build_id(path)
	local _, id = core.symbols(path, {})
	return id ~= "" and id or nil
end

-- Calls addr2line for the entries, whose field symbol is set, and sets their
-- field lines: { "file:line", … }, the innermost inlined function first.
local function ask_tool(path, section, entries)
	local words = { "addr2line", "-a", "-i", "-e", path }
	if section then table.move({ "-j", section }, 1, 2, #words + 1, words) end
	for _, e in ipairs(entries) do
		local before = (e.is_exact or e.offset == 0) and 0 or 1
		words[#words + 1] = ("0x%x"):format(e.symbol.value + e.offset - before)
	end
	local ok, _, output = pcall(core.run_tool, words, TOOL_TIMEOUT_S)
	local i = 0
	for line in (ok and output or ""):gmatch("[^\n]+") do
		if line:find("^0x%x+$") then
			i = i + 1
		elseif entries[i] and line:find("^[^?].*:%d+") then
			local lines = entries[i].lines or {}
			entries[i].lines = lines
			line = line:match("^(.*:%d+)"):gsub("^%./", "")
			lines[#lines + 1] = (line:gsub(DEBIAN_BUILD[1], ""):gsub(DEBIAN_BUILD[2], ""))
		end
	end
end

-- Sets the field lines of the entries, which are all of one module (nil: the
-- kernel).
local function find_lines(vm, module, entries)
	local path, ran = files_of(vm, module)
	local symbols, id
	if path then symbols, id = core.symbols(path, entries) end
	local ran_id = ran and build_id(ran)
	if not symbols or (ran_id and ran_id ~= id) then return end
	local by_section = {}
	for i, e in ipairs(entries) do
		e.symbol = symbols[i]
		local section = e.symbol and (module and e.symbol.section or "")
		if section then
			by_section[section] = by_section[section] or {}
			table.insert(by_section[section], e)
		end
	end
	for section, list in pairs(by_section) do ask_tool(path, section ~= "" and section, list) end
end

-- Returns a list with the entry of each line, or false; their field lines is
-- set if the lines are known.
local function decode(vm, texts)
	local list, exact, by_module = {}, {}, {}
	for i, text in ipairs(texts) do
		list[i] = entry_of(text) or false
		if list[i] and list[i].is_exact then exact[list[i].key] = true end
	end
	for _, e in ipairs(list) do
		if e then
			e.is_exact = exact[e.key] or false
			local key = e.module or ""
			by_module[key] = by_module[key] or {}
			table.insert(by_module[key], e)
		end
	end
	for module, entries in pairs(by_module) do find_lines(vm, module ~= "" and module or nil, entries) end
	return list
end

-- Returns the lines around a line "FILE:NUMBER" of a file of the host, so many
-- before it and after it, as { where, lines }: the lines are numbered, and that
-- line has ">" before it. nil if the file cannot be read.
function stack.source_around(where, nr_around)
	local path, number = where:match("^(.*):(%d+)$")
	local _, _, kit = core.home()
	local file = path and (io.open(path) or io.open(kit .. "/" .. path))
	if not file or not file:read(0) then return end		-- a folder cannot be read
	number = tonumber(number)
	local lines, n = {}, 0
	for text in file:lines() do
		n = n + 1
		if n > number + nr_around then break end
		if n >= number - nr_around then
			lines[#lines + 1] = ("%s %d\t%s"):format(n == number and ">" or " ", n, show.clean(text))
		end
	end
	file:close()
	return n >= number and { where = where, lines = lines } or nil
end

-- Returns the source lines around the first entry of a module, outside of the
-- kernel's headers: { where = "file:line", lines }; nil if there is none whose
-- source can be read. held_locks: only entries of the list of held locks, or
-- only others.
local function source_of(entries, held_locks)
	for _, e in ipairs(entries) do
		local counts = e and e.module and not e.is_guess and e.is_held_lock == held_locks
		for _, where in ipairs(counts and e.lines or {}) do
			local is_header = where:find("^include/") or where:find("^arch/")
			local source = not is_header and stack.source_around(where, NR_SOURCE_LINES)
			if source then return source end
		end
	end
end

-- Returns the lines of a report of the VM's kernel, each entry of a stack with
-- its file and line; and the source at the first entry of a module, as { where,
-- lines }, or nil.
function stack.decode(vm, texts)
	local entries, out = decode(vm, texts), {}
	for i, text in ipairs(texts) do
		local lines = entries[i] and entries[i].lines
		local is_told = text:find("WARNING: ") ~= nil	-- the kernel names the line itself
		-- make builds a module in a copy of its folder, which has the
		-- folder's path below PROFILE.modules/tree.
		text = text:gsub("/%S*%.modules/tree/", "/")
		out[i] = lines and not is_told and ("%s  %s"):format(text, table.concat(lines, ", inlined at ")) or text
	end
	return out, source_of(entries, false) or source_of(entries, true)
end

-- Returns a message with the file and line of each entry of a stack in it.
function stack.decode_text(vm, message)
	if not message:find(ENTRY) then return message end
	local texts = {}
	for line in (message .. "\n"):gmatch("(.-)\n") do texts[#texts + 1] = line end
	return table.concat((stack.decode(vm, texts)), "\n")
end

return stack
