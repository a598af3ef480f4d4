-- SPDX-License-Identifier: GPL-2.0-only
-- gdb on a recorded run: provium replay --gdb, and --until complaint.

local pty = require "pty"
local runner = require "runner"
local quote = runner.quote

provium.timeout = "10m"

if runner.lacks_vmlinux("gdb shows a recorded run") then return end
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- A recorded file whose module uses a NULL pointer in a worker of the kernel.
local file = runner.write(dir .. "/null.lua", [[
test("uses NULL", { fixture = provium.profile }, function(vm)
	vm:insmod("faults", "commit=null_work")
	assert(true)
end)
]])
local recorded = runner.recordings_of(dir) .. "/null/vm-1"

assert_eq(1, runner.run { "test", "--record", file }.status)

local mark = "PROVIUM_REPLAY_TEST=" .. dir	-- in the environment of all processes of a command
local function command(args) return ("env TERM=dumb %s %s %s"):format(mark, quote(runner.path), args) end

test("replay --until complaint shows the oops's backtrace, down to the module's line", function()
	local r = runner.run({ "replay", recorded, "--until", "complaint" }, { raw = true })
	assert_eq(0, r.status, r.said)
	-- The compiler of a kernel with KASAN may drop the argument.
	assert(r.said:find("#0  oops_begin %(%) at .*in null_work %(w=[^)]+%) at modules/faults/faults.c:%d+\n.*\ninstruction %d+ of %d+\n"), r.said)
end)

test("gdb on a replay goes back an instruction, to a function's last call, or to a write", function()
	local shown, ending = pty.gdb(dir, command(("replay %s --gdb --until complaint"):format(recorded)), {
		"instruction", "expect instruction ", "expect  oops_begin () at ", "expect (gdb) ",
		"back 1", "expect instruction ", "expect in oops_begin () at ", "expect (gdb) ", "stepi", "expect (gdb) ",
		"back to null_work", "expect instruction ", "expect #0  null_work (w=", "expect modules/faults/faults.c:", "expect (gdb) ",
		"print $rip", "expect <null_work", "expect (gdb) ",
		"watch-back *(int *)&jiffies", "expect stands after the write", "expect instruction ", "expect (gdb) ",
		"back to no_such_function", "expect Function \"no_such_function\" not defined.", "expect (gdb) ",
		"complaint", "expect  oops_begin () at ", "expect in null_work (w=", "expect (gdb) ",
	})
	assert_eq("exit 0", ending, shown)
	local at = {}
	for n in shown:gmatch("[\r\n]instruction (%d+) of") do at[#at + 1] = tonumber(n) end
	assert_eq(at[1] - 1, at[2], shown)
	assert(at[3] < at[2] and at[4] < at[3], shown)
	wait_until(function() return runner.count_marked(mark) == 0 end,
		{ desc = "the end of the replays that gdb has left" })
end)

test("without gdb or without a terminal provium replay says what to do", function()
	assert_contains(runner.shell(("%s replay --gdb %s </dev/null 2>&1"):format(quote(runner.path), recorded)),
		"provium replay: --gdb: stdin is not a terminal; run it in one, or without this option")
	assert_contains(runner.shell(("PATH=/nowhere %s replay --until panic %s 2>&1"):format(quote(runner.path), recorded)),
		"provium replay: there is no gdb; install the package gdb")
end)
