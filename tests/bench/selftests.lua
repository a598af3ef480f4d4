-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: what a clone for each selftest costs beyond the program itself,
-- and how long the results of a program take; medians.

local fixture = require "provium.fixture"

local ROUNDS, RESULTS = 15, 2000

provium.timeout = "20m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"

local function median_of(fn)
	local list = {}
	for i = 1, ROUNDS do list[i] = fn() end
	return bench.median(list)
end

local vm = provium.fixture(provium.profile)
local results = { "KTAP version 1", "1.." .. RESULTS }
for i = 1, RESULTS do results[#results + 1] = ("ok %d result_%d"):format(i, i) end
vm:write_file("/tmp/many", table.concat(results, "\n") .. "\n")

local resumed = median_of(function()
	local clone
	local seconds = bench.seconds(function() clone = provium.fixture(provium.profile) end)
	clone:kill()
	return seconds
end)
-- The programs run as in make kselftest: the time limit is given, and the clone
-- for a program is resumed while the program before it runs.
local opts = { timeout = 45 }
local program = median_of(function() return bench.seconds(function() vm:kselftest("/bin/true", opts) end) end)
local in_clone = median_of(function()
	fixture.start_spare(provium.profile)
	vm:exec("sleep 0.2")
	local clone
	local seconds = bench.seconds(function()
		clone = provium.fixture(provium.profile)
		clone:kselftest("/bin/true", opts)
	end)
	clone:kill()
	return seconds
end)
local many = median_of(function() return bench.seconds(function() vm:ktap("cat /tmp/many") end) end)

local ratio = (in_clone - program) / resumed
print(("%-44s %9.3f ms / %9.3f ms = %6.3f  (at most 2)%s"):format("clone for a selftest beyond it / resume",
	(in_clone - program) * 1e3, resumed * 1e3, ratio, ratio > 2 and "  OVER" or ""))
print(("%-44s %9.0f a second"):format("small results of a program", RESULTS / many))
