-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of modules/faults that only kernels with more checks report: each has
-- its title, and the source line of the fault. Other kernels skip them.

local faults_source = require "faults_source"
local runner = require "runner"

local KASAN, KCSAN, UBSAN = "CONFIG_KASAN", "CONFIG_KCSAN", "CONFIG_UBSAN"

-- By fault: the options that the kernel needs; the title's pattern; a text in
-- the line of modules/faults/faults.c that the report must name.
local FAULTS = {
	use_after_free = { KASAN, "^KASAN: [%a-]*use%-after%-free in fault_use_after_free$", "READ_ONCE(p[8])" },
	out_of_bounds = { KASAN, "^KASAN: slab%-out%-of%-bounds in fault_out_of_bounds$", "p[at] = 1;" },
	out_of_bounds_stack = { KASAN, "^KASAN: stack%-out%-of%-bounds in fault_out_of_bounds_stack$", "= buf[at];" },
	out_of_bounds_global = { KASAN, "^KASAN: global%-out%-of%-bounds in fault_out_of_bounds_global$", "= global[at];" },
	double_free = { KASAN, "^KASAN: [%a -]*double%-free in fault_double_free$" },
	shift = { UBSAN, "^UBSAN: shift%-out%-of%-bounds in fault_shift[.%w]*$", "1 << bits" },
	array_index = { UBSAN, "^UBSAN: array%-index%-out%-of%-bounds in fault_array_index$", "= table[at];" },
	sleep_atomic = { "CONFIG_DEBUG_ATOMIC_SLEEP", "^sleeping function called from invalid context in fault_sleep_atomic$",
		"kfree(kmalloc(64, GFP_KERNEL));" },
	lock_order = { "CONFIG_PROVE_LOCKING", "^possible circular locking in fault_lock_order$" },
	lock_kept = { "CONFIG_PROVE_LOCKING", "^lock held when returning to user space in fault_lock_kept$" },
	unlock_twice = { "CONFIG_PROVE_LOCKING", "^bad unlock balance in fault_unlock_twice$" },
	rcu = { "CONFIG_PROVE_RCU", "^suspicious RCU usage in fault_rcu$", "rcu_dereference(pointer)" },
	list_add_twice = { "CONFIG_DEBUG_LIST", "^list_add double add in fault_list_add_twice$" },
	data_race = { KCSAN, "^KCSAN: data%-race in .*race" },
}

-- Returns the set of this kernel's configuration options with the value y.
local function kernel_options()
	local vm, set = provium.create():boot { memory = "256M" }, {}
	for option in vm:exec("zcat /proc/config.gz").stdout.value:gmatch("(CONFIG_[%w_]+)=y") do set[option] = true end
	vm:kill()
	return set
end

local has, events = kernel_options(), nil

-- Returns the event of the fault's canned test. The first call runs the tests
-- of all faults that this kernel reports.
local function event_of(fault)
	if not events then
		local names = {}
		for name, row in pairs(FAULTS) do
			if has[row[1]] then names[#names + 1] = name end
		end
		events = runner.test_events("vm_checks.lua", {
			env = { FAULTS = table.concat(names, " ") }, prefix = { runner.timeout, "-k", "5", "540" },
		})
	end
	return assert(events[fault], fault .. " has no result")
end

-- Returns the event's complaint whose title matches: UBSAN reports some faults
-- as well, before KASAN does.
local function complaint_with(event, title)
	for _, complaint in ipairs(event.complaints) do
		if complaint.title:find(title) then return complaint end
	end
end

for fault, row in pairs(FAULTS) do
	local option, title, text = table.unpack(row)
	test(("the fault %s fails its test with its title and source line on a kernel with %s"):format(fault, option),
		{ timeout = "10m" }, function()
			if not has[option] then skip("needs " .. option) end
			local event = event_of(fault)
			assert_eq("FAIL", event.verdict, event.message)
			local complaint = assert(complaint_with(event, title), event.message)
			local report = table.concat(complaint.lines, "\n")
			assert_contains(report, text and faults_source.place_of(text) or "modules/faults/faults.c:")
			assert(not report:find("\\x0a", 1, true), report)
			assert(not report:find(".modules/tree/", 1, true), report)
			if text then assert_eq(faults_source.place_of(text), complaint.source.where) end
		end)
end
