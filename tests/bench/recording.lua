-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: what it costs to record a run and to replay it, as ratios,
-- measured alternately in one run; medians.

local ROUNDS = 5
local RECORDING_LIMIT, REPLAY_LIMIT, LOG_LIMIT_MB = 3, 2, 2

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"

-- The test file that is recorded: a boot, calls, a file, commands and a timer.
-- The last line of the console has the guest's time.
local FILE = [[
test("works", function()
	local vm = provium.create():boot()
	for _ = 1, 100 do vm:syscall("getpid") end
	vm:write_file("/tmp/data", ("x"):rep(100 << 10))
	vm:exec("i=0; while [ $i -lt 10000 ]; do i=$((i + 1)); done; sleep 0.1; echo the end >/dev/kmsg")
	assert_eq(1, 2)
end)
]]

local function median_of(rounds)
	local lists = {}
	for i = 1, 3 do lists[i] = {} end
	for _ = 1, ROUNDS do
		for i, seconds in ipairs { rounds() } do table.insert(lists[i], seconds) end
	end
	return bench.median(lists[1]), bench.median(lists[2]), bench.median(lists[3])
end

test("a recorded run and its replay are compared with a plain run", function()
	runner.with_folder(function(dir)
		local file = runner.write(dir .. "/works.lua", FILE)
		local recording = runner.recordings_of(dir) .. "/works/vm-1"
		local function run(status, ...)
			local args = { ... }
			return bench.seconds(function()
				local r = runner.run(args, { raw = true })
				assert_eq(status, r.status, r.said)
			end)
		end
		local plain, recorded, replayed = median_of(function()
			return run(1, "test", file), run(1, "test", "--record", file), run(0, "replay", recording)
		end)
		bench.row("recorded run / plain run", recorded, plain, RECORDING_LIMIT)
		bench.row("replay / recorded run", replayed, recorded, REPLAY_LIMIT)
		local guest_s = tonumber(runner.read(recording .. "/console.log"):match("%[ *([%d.]+)%] the end"))
		local rate = #runner.read(recording .. "/log") / guest_s / 1e6
		print(("%-44s %9.3f MB/s %26s (at most %d)%s"):format("log / the guest's time", rate, "", LOG_LIMIT_MB,
			rate > LOG_LIMIT_MB and "  OVER" or ""))
	end)
end)
