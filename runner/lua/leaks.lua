-- SPDX-License-Identifier: GPL-2.0-only
-- The option leaks of a test: at the test's end, kmemleak in the guest looks
-- for memory that the test has allocated and that nothing points to any more.
-- Each place that has leaked becomes a complaint of the kernel.

local core = require "provium.core"
local kernel_log = require "provium.kernel_log"
local session = require "provium.session"

local leaks = { methods = {} }

local FILE = "/sys/kernel/debug/kmemleak"
local MIN_AGE_S = 5		-- kmemleak reports no younger memory (MSECS_MIN_AGE in mm/kmemleak.c)
local PAGE_BYTES = 4096
local SUMMARY = "kmemleak: %d+ new suspected memory leaks"

-- --- the functions of modules that were removed ---

-- Keeps the addresses of the module's functions, if the running test wants to
-- know of leaks: kmemleak keeps addresses, and cannot name a function after its
-- module was removed.
function leaks.methods:note_functions(module)
	if not session.wants_leaks then return end
	local list, symbols = {}, self:exec(("grep '\\[%s\\]$' /proc/kallsyms"):format(module)).stdout.value
	for address, name in symbols:gmatch("(%x+) [tT] (%S+)") do
		list[#list + 1] = { at = tonumber(address, 16), name = name, module = module }
	end
	table.sort(list, function(a, b) return math.ult(a.at, b.at) end)
	for i, entry in ipairs(list) do entry.size = list[i + 1] and list[i + 1].at - entry.at or PAGE_BYTES end
	table.move(list, 1, #list, #self.removed_functions + 1, self.removed_functions)
end

-- Returns "function+offset/size [module]" for an address, or nil.
local function name_of(functions, address)
	for _, entry in ipairs(functions) do
		local offset = address - entry.at
		if offset >= 0 and offset < entry.size then
			return ("%s+0x%x/0x%x [%s]"):format(entry.name, offset, entry.size, entry.module)
		end
	end
end

local function with_names(functions, line)
	return (line:gsub("0x(%x+)$", function(digits) return name_of(functions, tonumber(digits, 16)) end))
end

-- --- kmemleak's report ---

-- Returns the host's time and the guest's jiffies; nil if these are not known.
local function read_clock(vm)
	local ok, text = pcall(vm.read_file, vm, "/proc/timer_list")
	local jiffies = ok and tonumber(text:match("\njiffies: (%d+)"))
	return jiffies and { at = core.now(), jiffies = jiffies }
end

-- Returns the number of jiffies in a second: the possible one, as in
-- kernel/Kconfig.hz, that is nearest to what passed between two readings.
local function jiffies_per_second(from, to)
	local measured, nearest = (to.jiffies - from.jiffies) / (to.at - from.at), 100
	for _, hz in ipairs { 250, 300, 1000 } do
		if math.abs(hz - measured) < math.abs(nearest - measured) then nearest = hz end
	end
	return nearest
end

-- Returns a function that gives the age of a block of kmemleak's text in
-- seconds at the time of the second reading, or nil if it is not known. Some
-- kernels tell the age themselves, others the jiffies of the allocation.
local function ages(from, to)
	local hz = from and to and jiffies_per_second(from, to)
	return function(block)
		local jiffies = tonumber(block:match("jiffies (%d+)"))
		return tonumber(block:match("%(age ([%d.]+)s%)")) or hz and jiffies and (to.jiffies - jiffies) / hz
	end
end

-- Returns the reports of kmemleak's text on memory that is at most max_age_s
-- old, or whose age is not known: a list of lists of lines, with one report for
-- all memory that the same calls have allocated. age_of: from ages().
local function reports_in(text, age_of, max_age_s, functions)
	local reports, by_calls = {}, {}
	for block in ("\n" .. text):gsub("\nunreferenced object", "\0%0"):gmatch("\0\n([^\0]+)") do
		local age = age_of(block)
		block = block:gsub("%s+$", "")
		if not age or age <= max_age_s then
			local lines, calls = { "BUG: memory leak" }, block:match("backtrace[^\n]*(.*)") or block
			for line in block:gmatch("[^\n]+") do lines[#lines + 1] = with_names(functions, line) end
			if by_calls[calls] then
				by_calls[calls].count = by_calls[calls].count + 1
			else
				by_calls[calls] = { lines = lines, count = 1 }
				reports[#reports + 1] = by_calls[calls]
			end
		end
	end
	for _, report in ipairs(reports) do
		if report.count > 1 then table.insert(report.lines, 2, ("%d objects, such as:"):format(report.count)) end
	end
	return reports
end

local function scan(vm)
	vm:mount_vfs()
	if not vm:exec("test -e " .. FILE).ok then
		error("this kernel has no kmemleak (CONFIG_DEBUG_KMEMLEAK): use PROFILE=debug, or give " ..
			"leaks = provium.profile == \"debug\"", 0)
	end
	local nr_before = #vm:read_log()
	vm:write_file(FILE, "scan")
	vm:read_log()
	kernel_log.disown(vm, nr_before + 1, SUMMARY)
end

-- Returns the reports on what the test has leaked. kmemleak must have found
-- memory twice in the same state to report it; memory that is in use for a
-- moment only is not there any more in a third search.
local function reports_of(vm, t)
	local reports
	for _ = 1, 2 do
		scan(vm)
		local now = read_clock(vm)
		local since_start_s = (now and now.at or core.now()) - t.start
		reports = reports_in(vm:read_file(FILE), ages(vm.leak_clock, now), since_start_s, vm.removed_functions)
		if #reports == 0 then break end
	end
	return reports
end

-- Calls fn for each running VM that the test has used. Returns the first error
-- as a message, or nothing; and the number of VMs.
local function for_each_vm(t, fn)
	local problem, nr = nil, 0
	for number, vm in ipairs(session.vms) do
		if vm.used_by == t and vm:is_running() then
			local ok, err = pcall(fn, vm)
			nr = nr + 1
			if not ok then problem = problem or ("leaks: VM %d: %s"):format(number, tostring(err)) end
		end
	end
	return problem, nr
end

-- Looks for leaks in the VMs that the test has used, and adds a complaint for
-- each place. Returns nothing, or why a VM could not be searched.
function leaks.search(t)
	local problem, nr = for_each_vm(t, function(vm)
		scan(vm)
		vm.leak_clock = read_clock(vm)
	end)
	if problem then return problem end
	if nr == 0 then return "leaks: no VM that the test has used is running at its end" end
	core.pause(MIN_AGE_S)
	return (for_each_vm(t, function(vm)
		for _, report in ipairs(reports_of(vm, t)) do kernel_log.add_report(vm, report.lines) end
	end))
end

return leaks
