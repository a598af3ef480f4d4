-- SPDX-License-Identifier: GPL-2.0-only
-- What a failure carries: what the kernel said during the test, the ends of the
-- consoles, and the pattern that chooses the test again.

local show = require "provium.show"

local evidence = {}

local CONSOLE_LINES, KERNEL_LINES = 5, 200

-- From here on, what kernels say is said during the test.
function evidence.mark(vms)
	for _, vm in ipairs(vms) do
		vm.log_mark = #vm.log
		vm.console_mark = vm:is_running() and #vm.core:console() or vm.console_mark
	end
end

local function last(lines, n)
	return table.move(lines, math.max(1, #lines - n + 1), #lines, 1, {})
end

-- What the kernel's log got since the mark; of a dead guest, what its console got.
local function kernel_lines(vm)
	if vm:is_running() and pcall(vm.read_log, vm) then
		return table.move(vm.log, math.min(vm.log_mark or 0, #vm.log) + 1, #vm.log, 1, {})
	end
	local lines = {}
	if vm.dropped then return lines end
	for line in vm.core:console():sub((vm.console_mark or 0) + 1):gmatch("[^\n]+") do
		if line:find("^%[ *%d+%.%d+%]") then lines[#lines + 1] = line end
	end
	return lines
end

-- { { vm = number, lines = the last ones, more = how many stood before them } }
function evidence.kernel(vms)
	local list = {}
	for i, vm in ipairs(vms) do
		local lines = kernel_lines(vm)
		if #lines > 0 then
			list[#list + 1] = { vm = i, lines = last(lines, KERNEL_LINES), more = math.max(0, #lines - KERNEL_LINES) }
		end
	end
	return list
end

-- { { vm = number, lines = the last few } }
function evidence.consoles(vms)
	local list = {}
	for i, vm in ipairs(vms) do
		local lines = {}
		for line in (vm.dropped and "" or vm.core:console()):gmatch("[^\n]+") do lines[#lines + 1] = show.clean(line) end
		if #lines > 0 then list[#list + 1] = { vm = i, lines = last(lines, CONSOLE_LINES) } end
	end
	return list
end

-- A pattern for -f that this name meets.  What a command line cannot show is "any byte".
function evidence.filter(name)
	local pattern = name:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%c", ".")
	if show.clean(pattern) ~= pattern then pattern = pattern:gsub("[\x80-\xff]", ".") end
	return "^" .. pattern .. "$"
end

return evidence
