-- SPDX-License-Identifier: GPL-2.0-only
-- The kernel's complaints, and what they do to a test's verdict. The module
-- `faults` commits real faults. Verdicts that are not ok come from a canned
-- suite, because a test cannot fail here.

local faults_source = require "faults_source"
local kernel_options = require "kernel_options"
local runner = require "runner"

-- With KASAN, the access to KASAN's own memory is what fails.
local options = kernel_options()
local has_kasan = options and options.CONFIG_KASAN
local NULL = has_kasan and "general protection fault" or "NULL pointer dereference"
local SIGNAL = has_kasan and 11 or 9	-- SIGSEGV, SIGKILL

local vm = provium.create():boot()
vm:insmod("faults")

local function commit(fault) return vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault)) end

test("a test that expects the title of its WARNING passes", { expect = "WARNING in fault_warn$" }, function() commit("warn") end)

test("a test that expects a line of its WARNING's report passes", { expect = "Comm: sh" }, function() commit("warn") end)

test("a refcount report and its WARNING line count as one complaint", { expect = "refcount_t: decrement hit 0" }, function()
	commit("refcount")
end)

test("a NULL pointer report, its Oops line and its stack count as one complaint", { expect = NULL .. " in null_work" }, function()
	commit("null_work")
end)

test("a BUG in a kernel thread and its invalid opcode line count as one complaint", { expect = "kernel BUG in bug_thread" },
	function() commit("bug") end)

test("the report of a duplicate kobject name counts as one complaint", { expect = "duplicate filename" }, function() commit("kobject") end)

test("a test can expect a complaint and make other checks", { expect = "WARNING" }, function()
	commit("warn_text")
	assert_contains(vm:dmesg("the state is"), "faults: the state is 3")
end)

test("a driver's message with words of a report is no complaint", function()
	assert(commit("none").ok)
	assert_contains(vm:dmesg("DEBUG"), "faults: DEBUG: state 3")
end)

test("text that user space writes to the kernel log is no complaint", function()
	vm:write_file("/dev/kmsg", "<4>BUG: kernel NULL pointer dereference, address: 0000000000000008\n")
	assert_contains(vm:dmesg("NULL pointer dereference, address: 0"), "0008")
end)

test("a crash of a program in user space is no complaint", function()
	assert_error(function() vm:syscall("munmap", 0x10000, 0x7fffffff0000 - 0x10000) end, "killed by signal 11")
end)

test("a test that expects a panic passes when the guest panics", { expect_panic = true }, function()
	local other = provium.create():boot { memory = "128M" }
	other:exec("echo c > /proc/sysrq-trigger")
end)

test("an expected panic does not fail the next test", function()
	assert(vm:exec("true").ok)
end)

-- --- the canned suite ---

local EXPECTED = {
	["a driver's prose"] = { "ok" },
	["a WARNING"] = { "FAIL", "the kernel complained: WARNING in fault_warn" },
	["after a WARNING"] = { "ok" },
	["an expected WARNING"] = { "ok" },
	["an expected report of two openings"] = { "ok" },
	["an expected complaint that does not come"] = { "FAIL", 'expected a complaint of the kernel that matches "refcount_t"; there was none' },
	["an expected complaint and another"] = { "FAIL", "the kernel complained: WARNING in fault_warn_text" },
	["text of user space"] = { "ok" },
	["a WARNING that the log has lost"] = { "FAIL", "the kernel complained: WARNING in fault_warn_flood" },
	["a kernel that becomes tainted without a report"] = { "FAIL",
		"the kernel of VM %d+ is tainted %(W: a WARNING%), and its log has no report of that" },
	["a clone whose kernel becomes tainted without a report"] = { "FAIL", "is tainted %(W: a WARNING%), and its log has no report" },
	["a kernel that becomes tainted before a restore"] = { "FAIL", "is tainted %(W: a WARNING%), and its log has no report" },
	["a kernel that becomes tainted again after a restore"] = { "FAIL", "is tainted %(W: a WARNING%), and its log has no report" },
	["a kernel that became tainted in an earlier test"] = { "ok" },
	["lost records"] = { "FAIL", "%d+ kernel log records of VM %d+ were lost: a complaint may be missing" },
	["an assertion and a WARNING"] = { "FAIL", "my own" },
	["an oops that kills the process of a call"] = { "FAIL", "^the kernel complained: " .. NULL .. " in fault_null\n.*" ..
		"the executor %(pid %d+%) was killed by signal " .. SIGNAL },
	["a panic that the test catches"] = { "FAIL", "the kernel complained: Kernel panic: sysrq triggered crash" },
	["an expected panic that does not come"] = { "FAIL", "expected the guest to panic; it did not" },
	["an expected panic"] = { "ok" },
	["a panic that is expected by its title"] = { "ok" },
	["a panic of another cause"] = { "FAIL", 'expected the guest to panic with a report that matches "out of tea"; ' ..
		"it panicked with: Kernel panic: sysrq triggered crash" },
	["a WARNING before an expected panic"] = { "FAIL", "the kernel complained: WARNING in fault_warn" },
	["a WARNING that panics"] = { "FAIL", "it panicked with: WARNING in fault_warn" },
	["a reset that the test catches"] = { "FAIL", "a guest died during the test: VM %d+: the guest reset or powered off" },
	["an expected reset"] = { "ok" },
	["a WARNING before a shutdown"] = { "FAIL", "the kernel complained: WARNING in fault_warn" },
	["a WARNING before a kill"] = { "FAIL", "the kernel complained: WARNING in fault_warn" },
	["a log that cannot be read"] = { "FAIL", "the kernel log of VM %d+ cannot be read: dmesg: /dev/kmsg: Operation not permitted" },
	["a NULL pointer in a worker of the kernel"] = { "FAIL", "the kernel complained: " .. NULL .. " in null_work" },
	["an oops while a call is in flight"] = { "FAIL", "the kernel complained: " .. NULL .. " in null_work\n.*" ..
		"no result within [%d.]+ s %(the kernel's report shortened the limit%); the command was killed" },
	["text of an oops from user space while a call is in flight"] = { "ok" },
	["a panic of a VM that the test does not talk to"] = { "FAIL", "the kernel complained: Kernel panic: sysrq triggered crash" },
	["after another VM's panic"] = { "ok" },
}

local seen		-- test events of the canned suite by name, from its only run

local function canned()
	seen = seen or runner.test_events("vm_complaints.lua", { prefix = { runner.timeout, "-k", "5", "840" } })
	return seen
end

for name, expected in pairs(EXPECTED) do
	test(("the canned test \"%s\" has the verdict %s"):format(name, expected[1]), { timeout = "15m" }, function()
		local event = canned()[name]
		assert(event, "the suite has not run this test")
		assert_eq(expected[1], event.verdict, event.message)
		local text = expected[2]
		if text then assert(event.message:find(text, 1, true) or event.message:find(text), event.message) end
	end)
end

test("a complaint's report begins at its first line and leaves out registers", function()
	local complaint = canned()["a WARNING"].complaints[1]
	assert_eq("warning", complaint.kind)
	assert_contains(complaint.lines[1], "[ cut here ]")
	assert_contains(complaint.lines[2], "WARNING: CPU: ")
	for _, line in ipairs(complaint.lines) do assert(not line:find("R[ABCD]X: "), line) end
end)

test("the report of an oops has its RIP line once, and no registers from the console", function()
	local event, nr = canned()["a NULL pointer in a worker of the kernel"], 0
	for _, line in ipairs(event.complaints[1].lines) do
		if line:find("RIP: ") then nr = nr + 1 end
	end
	assert_eq(1, nr)
	for _, console in ipairs(event.consoles or {}) do
		assert(not table.concat(console.lines, "\n"):find("CR2: "), table.concat(console.lines, "\n"))
	end
end)

-- Returns the first line of the complaint that has the text.
local function report_line(complaint, text)
	for _, line in ipairs(complaint.lines) do
		if line:find(text, 1, true) then return line end
	end
	error("no line has " .. text .. ":\n" .. table.concat(complaint.lines, "\n"))
end

test("an entry of a stack in a module has its source file and line", function()
	local complaint = canned()["a NULL pointer in a worker of the kernel"].complaints[1]
	assert(report_line(complaint, "RIP: "):find(("null_work%%+.*%%[faults%%]  modules/faults/faults.c:%d$")
		:format(faults_source.line_of("WRITE_ONCE(faults_null[2], 1);"))), report_line(complaint, "RIP: "))
end)

test("a return address on a stack has the source line of the call, not the next line", function()
	local line = report_line(canned()["a WARNING"].complaints[1], " commit_set+")
	assert(line:find((" modules/faults/faults.c:%d$"):format(faults_source.line_of("faults[i].commit();"))), line)
end)

test("an entry of a stack in the kernel has its source file and line", function()
	local vmlinux = ("%s/profile/%s/debug/vmlinux"):format(runner.home, provium.profile)
	if not runner.shell(("readelf -SW %s 2>&1"):format(vmlinux)):find(".debug_line", 1, true) then
		skip(("%s: this kernel was built without line tables"):format(vmlinux))
	end
	local line = report_line(canned()["a WARNING"].complaints[1], " param_attr_store+")
	assert(line:find "  kernel/params%.c:%d+$", line)
end)

test("a report shows the source around the first stack entry in a module", function()
	local source = canned()["a NULL pointer in a worker of the kernel"].complaints[1].source
	local line = faults_source.line_of("WRITE_ONCE(faults_null[2], 1);")
	assert_eq(("modules/faults/faults.c:%d"):format(line), source.where)
	assert_eq(("> %d\t\tWRITE_ONCE(faults_null[2], 1);"):format(line), source.lines[3])
	assert_eq(5, #source.lines)
end)

provium.ignore("WARNING in fault_warn_text", "this machine always says so")

test("a complaint that the file ignores does not fail its test", function()
	assert(commit("warn_text").ok)
end)
