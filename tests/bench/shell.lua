-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: the time from a key that is typed at the prompt of provium shell
-- to its echo, through the user's terminal and the guest's shell.

local ROUNDS, KEYS, LIMIT_MS = 8, 40, 20

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local pty = require "pty"
local runner = require "runner"

test("a key is shown soon after it was typed", function()
	runner.with_folder(function(dir)
		pty.build(dir)
		local steps = { "expect :~ # " }
		for _ = 1, ROUNDS do
			-- Ctrl-C drops the line.
			table.move({ "pause 200", "keys " .. KEYS, "send \3", "expect :~ # " }, 1, 4, #steps + 1, steps)
		end
		steps[#steps + 1] = "send exit\r"
		local shown, ending = pty.run(dir, runner.quote(runner.path) .. " shell " .. provium.profile, steps)
		assert(ending == "exit 0" or ending == "exit 130", shown)
		local times = {}
		for us in shown:gmatch("%[key (%d+) us%]") do times[#times + 1] = us / 1000 end
		assert_eq(ROUNDS * KEYS, #times)
		local median, p95 = bench.median(times), times[#times * 95 // 100]	-- median() sorts
		print(("%-44s %9.3f ms  (95 of 100 within %.3f ms; at most %d ms)%s"):format("shell: key to echo",
			median, p95, LIMIT_MS, median > LIMIT_MS and "  OVER" or ""))
	end)
end)
