-- SPDX-License-Identifier: GPL-2.0-only
-- make test-recordings: a race that is lost about once in a hundred runs is
-- lost in each replay of its recording, and gdb stops at the losing write.

local MAX_RUNS, REPLAYS = 1500, 20

provium.timeout = "4h"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local pty = require "pty"
local runner = require "runner"
local quote = runner.quote

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- RECORDING= is the recording of a failure that was found already.
local recording = os.getenv("RECORDING") or runner.home .. "/record/racy/vm-1"

local function find_failure()
	local r = runner.run({ "test", "--record", "--repeat", tostring(MAX_RUNS), "racy.lua" },
		{ prefix = { runner.timeout, "-k", "5", "14000" }, raw = true })
	assert_eq(1, r.status, "no update was lost in all runs")
	local _, runs = r.said:gsub("\nracy%.lua %.%.%. ", "")
	print(("an update was lost in run %d"):format(runs))
end

test("a race that is rarely lost is lost in each replay, and gdb stops at the losing write", { timeout = "4h" }, function()
	if not os.getenv("RECORDING") then find_failure() end
	local losing
	for _ = 1, REPLAYS do
		local r = runner.run({ "replay", recording }, { raw = true })
		assert_eq(0, r.status, r.said)
		local shown, ending = pty.gdb(dir, ("env TERM=dumb %s replay --gdb --until failing-call %s"):format(
			quote(runner.path), quote(recording)), {
			"back to racy_interrupt", "expect instruction ", "expect (gdb) ",
			"break racy.c:47", "expect (gdb) ", "continue", "expect the losing write", "expect (gdb) ",
			"instruction", "expect instruction ", "expect (gdb) ",
			"print before + 1 == racy_count", "expect $", "expect (gdb) ",
		})
		assert_eq("exit 0", ending, shown)
		assert_contains(shown, "= 1\r\n", shown)
		local at = shown:match(".*instruction (%d+) of")
		losing = losing or at
		assert_eq(losing, at)
	end
	print(("%d replays end as recorded, and gdb stops at the losing write, instruction %s"):format(REPLAYS, losing))
end)
