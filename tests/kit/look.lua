-- SPDX-License-Identifier: GPL-2.0-only
-- From the report of a failure to a backtrace with the line in the module's
-- source, with the two commands that the report gives. LOOKS=all does it for
-- more faults; make test-looks does so on several profiles.

local faults_source = require "faults_source"
local pty = require "pty"
local runner = require "runner"

provium.timeout = "10m"

if runner.lacks_vmlinux("the report of a failure gives the commands for a backtrace") then return end

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- Commits the fault in a test that fails. Returns the report's two commands.
local function commands_for(fault)
	local file = runner.write(("%s/%s.lua"):format(dir, fault), ([[
test("the driver works", { fixture = provium.profile }, function(vm)
	vm:insmod("faults")
	vm:exec("echo %s >/sys/module/faults/parameters/commit", { timeout = 0.5 })
	assert(true)
end)
]]):format(fault))
	local r = runner.run({ "test", file }, { cwd = dir, raw = true })
	assert_eq(1, r.status, r.said)
	local start, in_gdb = r.said:match("\n *look: ([^\n]*)\n *and then, in gdb: ([^\n]*)\n")
	assert(start, r.said)
	return start, in_gdb
end

-- Asserts that gdb shows a frame in each of the functions, { name, text of the
-- line }.
local function look(fault, functions)
	local start, in_gdb = commands_for(fault)
	local shown, ending = pty.gdb(dir, "env TERM=dumb " .. start, { in_gdb, "expect (gdb) " })
	assert_eq("exit 1", ending, shown)
	local text = shown:gsub("%s+", " ")
	for _, f in ipairs(functions) do
		local place = faults_source.place_of(f[2], f[1])
		assert(text:find(("%%f[%%w_]%s %%([^#]* at %s%%f[%%D]"):format(f[1], (place:gsub("%p", "%%%0")))), place .. "\n" .. shown)
	end
end

test("the commands for two tasks that wait for each other show both, at their lines", function()
	look("ab_ba", { { "fault_ab_ba", "mutex_lock(&mutex_b)" }, { "take_b_and_a", "mutex_lock(&mutex_a)" } })
end)

if os.getenv("LOOKS") ~= "all" then return end

test("the commands shown after a use of freed memory lead to the line that uses it", function()
	look("freed_pointer", { { "fault_freed_pointer", "stale->next" } })
end)

test("the commands shown after a call of NULL in a worker lead to the line with the call", function()
	look("null_call_work", { { "call_null", "fn();" } })
end)

test("the commands shown after a panic lead to the line that panics", function()
	look("panic", { { "fault_panic", 'panic("' } })
end)

test("the commands shown after a loop with interrupts off lead to the loop", function()
	look("spin_irqs_off", { { "fault_spin_irqs_off", "cpu_relax()" } })
end)
