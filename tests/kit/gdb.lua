-- SPDX-License-Identifier: GPL-2.0-only
-- gdb on a guest: provium gdb, provium test --gdb and --on-failure=gdb.

local pty = require "pty"
local runner = require "runner"

if runner.lacks_vmlinux("gdb shows a guest") then return end
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local file = runner.quote(runner.canned .. "/faults_under_gdb.lua")
-- gdb colours its output if TERM allows it.
local function command(args) return ("env TERM=dumb %s %s"):format(runner.quote(runner.path), args) end
local function gdb(args, steps) return pty.gdb(dir, command(args), steps) end

test("provium gdb stops a clone, and shows where in the kernel a breakpoint stops it", function()
	local shown, ending = gdb("gdb " .. provium.profile, {
		"break schedule", "expect Breakpoint 1 at ", "expect (gdb) ", "continue", "expect Breakpoint 1, ", "expect (gdb) ",
		"info symbol $pc", "expect schedule", "expect in section .text", "expect (gdb) ", "delete 1", "expect (gdb) ",
		"list panic", "expect void panic(", "expect (gdb) ",
	})
	assert_eq("exit 0", ending, shown)
end)

test("a breakpoint in a module that the test inserts later stops at its line, before the test goes on", function()
	local shown, ending = gdb(("test --gdb -f '^uses' %s"):format(file), {
		"break fault_null", "expect (fault_null) pending", "expect (gdb) ", "continue",
		"expect modules/faults/faults.c:", "expect WRITE_ONCE(faults_null[2], 1);", "expect (gdb) ", "delete 1", "expect (gdb) ",
	})
	assert_eq("exit 1", ending, shown)
	assert(shown:find("uses a NULL pointer ... FAIL: the kernel complained: [^\r\n]+ in fault_null"), shown)
end)

test("the gdb command complaint stops at an oops; its backtrace has the module's line", function()
	local shown, ending = gdb(("test --gdb -f '^uses' %s"):format(file), {
		"complaint", "expect  oops_begin (", "expect in fault_null () at ", "expect modules/faults/faults.c:", "expect (gdb) ",
	})
	assert_eq("exit 1", ending, shown)
end)

test("--on-failure=gdb has the symbols of the failed test's modules", function()
	local shown, ending = gdb(("test --on-failure=gdb -f '^fails' %s"):format(file), {
		"info symbol fault_warn", "expect fault_warn in section .text of ", "expect faults.ko", "expect (gdb) ",
		"info line fault_null", "expect modules/faults/faults.c", "expect (gdb) ",
	})
	assert_eq("exit 1", ending, shown)
	assert_contains(shown, "modules with symbols: faults")
end)

test("--on-failure=gdb shows the backtrace of a panic down to the module's line", function()
	local shown, ending = gdb(("test --on-failure=gdb -f '^panics' %s"):format(file), {
		"backtrace", "expect  panic (", "expect in fault_panic () at ", "expect modules/faults/faults.c:", "expect (gdb) ",
	})
	assert_eq("exit 1", ending, shown)
	assert_contains(shown, "panics ... FAIL: ")
end)

test("Ctrl-Z stops nothing in gdb, and a terminal that goes away ends gdb and its VM", function()
	local mark = "GDB_TEST=" .. dir
	local shown, ending = pty.run(dir, ("env %s %s"):format(mark, command("gdb " .. provium.profile)), {
		"expect (gdb) ", "send \26", "pause 300", "send \21print 6*7\r", "expect = 42",
		"expect (gdb) ", "hangup",
	})
	assert_eq("signal 1", ending, shown)
	wait_until(function() return runner.count_marked(mark) == 0 end, { interval = 0.1, desc = "the end of gdb and QEMU" })
end)

test("without gdb, without a terminal or without debugging information an error says what to do", function()
	local path = runner.quote(runner.path)
	assert_eq("provium test: --gdb: stdin is not a terminal; run it in one, or without this option",
		runner.shell(("%s test --gdb %s </dev/null 2>&1"):format(path, file)):match("^[^\n]*"))
	local shown, ending = pty.run(dir, "env PATH=/nowhere " .. runner.path .. " gdb", {})
	assert_eq("exit 2", ending, shown)
	assert_contains(shown, "provium gdb: there is no gdb; install the package gdb")
	runner.write(dir .. "/provium.toml", ('[profile.bare]\nkernel = "%s/profile/%s/vmlinux"\n'):format(runner.home, provium.profile))
	shown, ending = pty.run(dir, "env -u PROVIUM_HOME PROVIUM_CONFIG= " .. runner.path .. " gdb bare", {})
	assert_eq("exit 2", ending, shown)
	assert_contains(shown, "profile bare has no kernel with debugging information: there is no debug = FOLDER in its provium.toml")
	for _, option in ipairs { "--gdb", "--on-failure=gdb" } do
		shown, ending = pty.run(dir, ("env -u PROVIUM_HOME PROVIUM_CONFIG= PROFILE=bare %s test %s %s"):format(runner.path, option, file), {})
		assert_eq("exit 2", ending, shown)
		assert(shown:find("^provium: profile bare has no kernel with debugging information: [^\n]*\n$"), shown)
	end
end)
