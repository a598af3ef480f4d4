-- SPDX-License-Identifier: GPL-2.0-only
-- Collects the evidence of a failure: the kernel's log lines of the test, the
-- last lines of the consoles, and the pattern that selects the test again.

local kernel_log = require "provium.kernel_log"
local show = require "provium.show"
local stack = require "provium.stack"

local evidence = {}

local MAX_CONSOLE_LINES, MAX_KERNEL_LINES = 5, 200	-- most lines for each VM

-- Marks the ends of the logs and consoles: everything after the marks belongs
-- to the test.
function evidence.mark(vms)
	for _, vm in ipairs(vms) do
		vm.log_mark = #vm.log
		vm.console_mark = vm:is_running() and vm.core:console_size() or vm.console_mark
	end
end

local function last(lines, n)
	return table.move(lines, math.max(1, #lines - n + 1), #lines, 1, {})
end

-- Is this the line in a clone's kernel log after which the lines come from the
-- clone, and not from its fixture (runner/fixture/quiesce.c)?
local function is_resume_mark(line) return line:find("provium: saved as .*; what follows is after a resume") end

-- Returns the offset in the console of a VM at which its boot ended; 0 for a
-- restored VM, whose console is a new one.
local function end_of_boot(vm)
	return (vm.booted_at or 0) <= vm.core:console_size() and vm.booted_at or 0
end

-- Returns the lines without those of the boot, which tell nothing about a test
-- that has booted the VM.
local function without_boot(vm, lines)
	-- The offset is one of the raw console, with its carriage returns.
	local text, after = vm.core:console(), vm.core:console(end_of_boot(vm))
	local last = tonumber(text:sub(1, #text - #after):match(".*\n%[ *(%d+%.%d+)%]"))
	local kept = {}
	for _, line in ipairs(lines) do
		if not last or (kernel_log.stamp_of(line) or math.huge) > last then kept[#kept + 1] = line end
	end
	return kept
end

-- Returns the lines added to the kernel log since the mark. A dead guest's log
-- cannot be read; then the lines are taken from the console.
local function kernel_lines(vm)
	if vm:is_running() and pcall(vm.read_log, vm) then
		local lines = {}
		for i = math.min(vm.log_mark or 0, #vm.log) + 1, #vm.log do
			if not is_resume_mark(vm.log[i]) then lines[#lines + 1] = vm.log[i] end
		end
		return vm.log_mark and lines or without_boot(vm, lines)
	end
	local lines = {}
	if vm.dropped then return lines end
	for line in vm.core:console(vm.console_mark):gmatch("[^\n]+") do
		if line:find("^%[ *%d+%.%d+%]") and not is_resume_mark(line) then lines[#lines + 1] = line end
	end
	return lines
end

-- Returns an entry for each VM that the test has used and whose log has lines:
-- { vm = its number, lines = the last ones, more = how many are left out before
-- them }.
function evidence.kernel(vms, test)
	local list = {}
	for i, vm in ipairs(vms) do
		local lines = vm.used_by == test and kernel_lines(vm) or {}
		if #lines > 0 then
			list[#list + 1] = {
				vm = i, lines = last(lines, MAX_KERNEL_LINES),
				more = math.max(0, #lines - MAX_KERNEL_LINES),
			}
		end
	end
	return list
end

-- Returns the text without its time stamp.
local function text_of(line) return (line:gsub("^%[[^%]]*%] ?", "")) end

-- Is this a line of a report that tells a human nothing: registers, machine
-- code?
local function is_dump(line)
	local text = text_of(line)
	return text:find("^R[A-Z0-9][A-Z0-9]: [0-9a-f]") and not text:find("^RIP: ") or text:find("^CR2: ") or text:find("^FS: ") or text:find("^CS: ") or
		text:find("^Code: ") or text:find("^DR[0-9]: ") or text:find("^PKRU: ") or text:find("^PGD ") or
		text:find("^RSP: ") or text:find("^ORIG_RAX") or text:find("^ ?</?TASK>")
end

-- Returns an entry for each title of each VM: { vm = its number, kind, title,
-- fatal, panic, reports = their number, lines = of the first one, without
-- dumps, source = see stack.decode() }.
function evidence.complaints(vms, complaints)
	local list = {}
	for _, complaint in ipairs(kernel_log.combine(complaints)) do
		local item = {
			kind = complaint.kind, title = complaint.title, reports = #complaint.again + 1,
			fatal = complaint.fatal, panic = complaint.panic, lines = {},
		}
		for i, vm in ipairs(vms) do
			if vm == complaint.vm then item.vm = i end
		end
		local has_rip = {}	-- the kernel repeats the "RIP:" line after an oops
		for _, line in ipairs(complaint.lines) do
			local rip = text_of(line):match("^RIP: .*")
			if not is_dump(line) and not has_rip[rip] then item.lines[#item.lines + 1] = line end
			if rip then has_rip[rip] = true end
		end
		item.lines, item.source = stack.decode(complaint.vm, item.lines)
		list[#list + 1] = item
	end
	return list
end

-- Returns a message in which the entries of stacks have files and lines. The
-- stack is taken for one of the VM that the test used last.
function evidence.message(vms, test, message)
	for i = #vms, 1, -1 do
		if vms[i].used_by == test then return stack.decode_text(vms[i], message) end
	end
	return message
end

-- Returns the lines of the VM's console, without those up to the end of its
-- last complaint, which is evidence already, and without those of the boot if
-- the guest is still there.
local function console_lines(vm, complaints)
	local last, lines = -1, {}
	for _, complaint in ipairs(complaints) do
		local stamp = complaint.vm == vm and kernel_log.stamp_of(complaint.lines[#complaint.lines])
		last = math.max(last, stamp or -1)
	end
	local from = vm:is_running() and end_of_boot(vm) or 0
	for line in vm.core:console(from):gmatch("[^\n]+") do
		if (kernel_log.stamp_of(line) or math.huge) <= last then
			lines = {}
		elseif not is_resume_mark(line) then
			lines[#lines + 1] = show.clean(line)
		end
	end
	return lines
end

-- Returns an entry for each VM that the test has used and whose console has
-- lines that the complaints do not have: { vm = its number, lines = the last
-- ones }.
function evidence.consoles(vms, test, complaints)
	local list = {}
	for i, vm in ipairs(vms) do
		local lines = vm.used_by == test and console_lines(vm, complaints) or {}
		if #lines > 0 then list[#list + 1] = { vm = i, lines = last(lines, MAX_CONSOLE_LINES) } end
	end
	return list
end

-- Returns a pattern for -f that matches only this name, as far as a command
-- line can show it: "." stands for control characters and for bytes that are
-- not UTF-8.
function evidence.filter(name)
	local pattern = name:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%c", ".")
	if show.clean(pattern) ~= pattern then pattern = pattern:gsub("[\x80-\xff]", ".") end
	return "^" .. pattern .. "$"
end

return evidence
