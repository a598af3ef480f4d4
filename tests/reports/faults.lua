-- SPDX-License-Identifier: GPL-2.0-only
-- Each fault of modules/faults has the right verdict, title and source line, in
-- reports of all formats, on each kernel. docs/faults.md has the same table;
-- hangs.lua tests the loops without end, and leaks.lua the leak.

local core = require "provium.core"
local faults_source = require "faults_source"
local runner = require "runner"

provium.timeout = "30m"

local KASAN, UBSAN, KCSAN = "CONFIG_KASAN", "CONFIG_UBSAN", "CONFIG_KCSAN"
local SLUB_DEBUG, LIST, ATOMIC = "CONFIG_SLUB_DEBUG_ON", "CONFIG_DEBUG_LIST", "CONFIG_DEBUG_ATOMIC_SLEEP"
local LOCKS, RCU, TIMERS = "CONFIG_PROVE_LOCKING", "CONFIG_PROVE_RCU", "CONFIG_DEBUG_OBJECTS_TIMERS"
local ANY, PASSES = true, false

-- By fault: what the kernel reports. The first row whose option the kernel has
-- counts: { option, pattern of the complaint's title or PASSES, a text in the
-- line of faults.c that the report must name, or nil }. A row with a field
-- `message` has its pattern instead of a title: there is no report.
local FAULTS = {
	none = { { ANY, PASSES } },
	warn = { { ANY, "^WARNING in fault_warn$", "WARN_ON(1);" } },
	warn_text = { { ANY, "^WARNING in fault_warn_text$", "the state is %d" } },
	warn_flood = { { ANY, "^WARNING in fault_warn_flood$" } },
	silent = { { ANY, message = "is tainted %(W: a WARNING%), and its log has no report of that" } },
	bug = { { ANY, "^kernel BUG in bug_thread$", "BUG();" } },
	divide = { { ANY, "^divide error in fault_divide$", "(faults_sink + 7) / zero" } },
	refcount = { { ANY, "^refcount_t: decrement hit 0 in fault_refcount$" } },
	refcount_underflow = { { ANY, "^refcount_t: underflow in fault_refcount_underflow$" } },
	refcount_leak = { { ANY, "^refcount_t: saturated in fault_refcount_leak$" } },
	-- With KASAN, the access to KASAN's own memory is what fails.
	null = { { KASAN, "^general protection fault in fault_null$" }, { ANY, "^NULL pointer dereference in fault_null$" } },
	null_work = {
		{ KASAN, "^general protection fault in null_work$", "WRITE_ONCE(faults_null[2], 1);" },
		{ ANY, "^NULL pointer dereference in null_work$", "WRITE_ONCE(faults_null[2], 1);" },
	},
	null_call = { { ANY, "^NULL pointer dereference in fault_null_call$" } },
	null_call_work = { { ANY, "^NULL pointer dereference in call_null$" } },
	wild_pointer = { { ANY, "^general protection fault in fault_wild_pointer$", "0xdead000000000108;" } },
	user_access = {
		{ KASAN, "^general protection fault in fault_user_access$" },
		{ ANY, "^unable to handle page fault for address in fault_user_access$", "current->mm->start_stack;" },
	},
	stack_overflow = { { ANY, "^stack guard page was hit in overflow$" } },
	use_after_free = {
		{ KASAN, "^KASAN: [%a-]*use%-after%-free in fault_use_after_free$", "READ_ONCE(p[8])" }, { ANY, PASSES },
	},
	freed_pointer = {
		{ KASAN, "^KASAN: [%a-]*use%-after%-free in fault_freed_pointer$", "READ_ONCE(stale->next->next)" },
		{ ANY, "^NULL pointer dereference in fault_freed_pointer$", "READ_ONCE(stale->next->next)" },
	},
	out_of_bounds = {
		{ KASAN, "^KASAN: slab%-out%-of%-bounds in fault_out_of_bounds$", "p[at] = 1;" },
		{ SLUB_DEBUG, "^BUG kmalloc%-64: Right Redzone overwritten$" }, { ANY, PASSES },
	},
	out_of_bounds_stack = {
		{ KASAN, "^KASAN: stack%-out%-of%-bounds in fault_out_of_bounds_stack$", "= buf[at];" }, { ANY, PASSES },
	},
	out_of_bounds_global = {
		{ KASAN, "^KASAN: global%-out%-of%-bounds in fault_out_of_bounds_global$", "= global[at];" }, { ANY, PASSES },
	},
	shift = { { UBSAN, "^UBSAN: shift%-out%-of%-bounds in fault_shift$", "1 << bits" }, { ANY, PASSES } },
	array_index = {
		{ UBSAN, "^UBSAN: array%-index%-out%-of%-bounds in fault_array_index$", "= table[at];" }, { ANY, PASSES },
	},
	leak = { { ANY, PASSES } },
	uninitialised = { { ANY, PASSES } },
	double_free = {
		{ KASAN, "^KASAN: [%a -]*double%-free in fault_double_free$" },
		{ SLUB_DEBUG, "^BUG kmalloc%-64: Object already free$" }, { ANY, PASSES },
	},
	list = { { LIST, "^list_del corruption in fault_list$" }, { ANY, "^general protection fault in fault_list$" } },
	list_add_twice = { { LIST, "^list_add double add in fault_list_add_twice$" }, { ANY, PASSES } },
	sleep_atomic = {
		{ ATOMIC, "^sleeping function called from invalid context in fault_sleep_atomic$", "kmalloc(64, GFP_KERNEL));" },
		{ ANY, PASSES },
	},
	lock_order = { { LOCKS, "^possible circular locking in fault_lock_order$" }, { ANY, PASSES } },
	lock_kept = { { LOCKS, "^lock held when returning to user space in fault_lock_kept$" }, { ANY, PASSES } },
	unlock_twice = { { LOCKS, "^bad unlock balance in fault_unlock_twice$" }, { ANY, PASSES } },
	rcu = { { RCU, "^suspicious RCU usage in fault_rcu$", "rcu_dereference(pointer)" }, { ANY, PASSES } },
	data_race = { { KCSAN, "^KCSAN: data%-race in [%w_]*race[%w_]* / [%w_]*race[%w_]*$" }, { ANY, PASSES } },
	deadlock = { { LOCKS, "^possible recursive locking in fault_deadlock$" }, { ANY, "^hung in fault_deadlock$" } },
	ab_ba = {
		{ LOCKS, "^possible circular locking in take_b_and_a$" }, { ANY, message = "it is blocked.*fault_ab_ba%+0x" },
	},
	hang = { { ANY, message = "it is blocked.*fault_hang%+0x" } },
	timer_after_unload = {
		{ TIMERS, "^ODEBUG: free active timer_list$" },
		{ ANY, "^unable to handle page fault for address in " },
	},
	work_after_unload = {
		{ TIMERS, "^ODEBUG: free active timer_list$" },
		{ ANY, "^unable to handle page fault for address in " },
	},
	kobject = { { ANY, "^sysfs: cannot create duplicate filename in kobject_create_and_add$" } },
	panic = { { ANY, "^Kernel panic: faults: asked for$" } },
	reset = { { ANY, message = "the guest reset or powered off" } },
}

local has = require "kernel_options"()

-- Returns the row of the fault that counts on this kernel; nil if that is not
-- known.
local function row_of(fault)
	local rows = FAULTS[fault]
	if not has then return #rows == 1 and rows[1] or nil end
	for _, row in ipairs(rows) do
		if row[1] == ANY or has[row[1]] then return row end
	end
end

local results	-- of the canned suite: { events by fault, summary, reports by file }

-- Runs the canned suite and make's summary, in the first call, and returns
-- results.
local function run()
	if results then return results end
	local names = {}
	for fault in pairs(FAULTS) do names[#names + 1] = fault end
	table.sort(names)
	runner.with_folder(function(dir)
		local r = runner.run({ "test", "--verdict", dir .. "/faults", "vm_faults.lua" }, {
			raw = true, env = { FAULTS = table.concat(names, " ") },
			prefix = { runner.timeout, "-k", "5", "1500" },
		})
		assert_eq(0, r.status, r.said)
		local summary = runner.run({ "make-summary", "--report", dir, dir .. "/faults" }, { raw = true })
		results = { events = {}, summary = summary, reports = {} }
		for _, file in ipairs { "results.tap", "junit.xml", "results.jsonl", "index.html" } do
			results.reports[file] = runner.read(dir .. "/" .. file)
		end
		for line in results.reports["results.jsonl"]:gmatch("[^\n]+") do
			local event = core.json(line)
			if event.event == "test" then results.events[event.name] = event end
		end
	end)
	return results
end

local function complaint_with(event, title)
	for _, complaint in ipairs(event.complaints or {}) do
		if complaint.title:find(title) then return complaint end
	end
end

-- Checks the report's source lines. text: in the line at fault.
local function check_source(complaint, text)
	local report = table.concat(complaint.lines, "\n")
	assert(not report:find("\\x0a", 1, true), report)
	assert(not report:find(".modules/tree/", 1, true), report)
	if not text then return end
	local place = faults_source.place_of(text)
	assert_contains(report, place)
	assert_eq(place, complaint.source.where)
end

for fault in pairs(FAULTS) do
	test(("the fault %s has the right verdict, title and source line"):format(fault), { timeout = "25m" }, function()
		local row = row_of(fault) or skip("this kernel does not tell its options (IKCONFIG_PROC)")
		local event = assert(run().events[fault], fault .. " has no result")
		local title, text = row[2], row[3]
		if title == PASSES then
			assert_eq("ok", event.verdict, event.message)
			return
		end
		assert_eq("FAIL", event.verdict)
		if row.message then
			assert(event.message:find(row.message), event.message)
		else
			assert(event.message:find("^the kernel complained: "), event.message)
			check_source(assert(complaint_with(event, title), event.message), text)
		end
	end)
end

-- Each format's text as it was before it was encoded.
local DECODERS = {
	["results.tap"] = function(text) return (text:gsub("\\x23", "#")) end,
	["junit.xml"] = function(text)
		return (text:gsub("&#(%d+);", function(code) return utf8.char(tonumber(code)) end))
	end,
	["results.jsonl"] = function(text) return (text:gsub('\\"', '"')) end,
	["index.html"] = function(text) return (text:gsub('\\"', '"'):gsub("\\u003c", "<"):gsub("\\u003e", ">")) end,
}

for file, decode in pairs(DECODERS) do
	test(("each fault that the kernel reports has its message in %s"):format(file), { timeout = "25m" }, function()
		local report = decode(run().reports[file])
		for fault, event in pairs(run().events) do
			local line = event.verdict == "FAIL" and event.message:match("^[^\n]*")
			assert(not line or report:find(line, 1, true), ("%s: %s"):format(fault, line))
		end
		assert_eq(1, run().summary.status)
	end)
end

test("the summary names each fault that the kernel reports", { timeout = "25m" }, function()
	for fault, event in pairs(run().events) do
		if event.verdict == "FAIL" then assert_contains(run().summary.said, fault) end
	end
end)
