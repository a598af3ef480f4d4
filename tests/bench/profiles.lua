-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: what the checks of the other profiles cost: a boot, a resume, a
-- call and a command on each profile that is built, as ratios to the profile in
-- use; measured alternately in one run; medians.

local ROUNDS, CALLS, COMMANDS = 15, 500, 20

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"

-- Each returns seconds.
local function boot(profile)
	local vm = provium.create(profile):boot()
	local seconds = vm.core:info().boot_seconds
	vm:kill()
	return seconds
end

local function resume(profile)
	local vm
	local seconds = bench.seconds(function()
		vm = provium.fixture(profile)
		vm:syscall "getpid"
	end)
	return seconds, vm
end

local measures = { "boot", "resume", "call", "command" }
local times = {}	-- by profile, by measure: the seconds of each round

local function measure(profile)
	local t = times[profile]
	table.insert(t.boot, boot(profile))
	local seconds, vm = resume(profile)
	table.insert(t.resume, seconds)
	table.insert(t.call, bench.seconds(function() for _ = 1, CALLS do vm:syscall "getpid" end end) / CALLS)
	table.insert(t.command, bench.seconds(function() for _ = 1, COMMANDS do vm:exec "true" end end) / COMMANDS)
	vm:kill()
end

local profiles = { provium.profile }
for name in runner.profiles():gmatch "[^, ]+" do
	if name ~= provium.profile then profiles[#profiles + 1] = name end
end
for _, profile in ipairs(profiles) do
	times[profile] = { boot = {}, resume = {}, call = {}, command = {} }
	provium.fixture(profile):kill()		-- builds it, if need be
end
for _ = 1, ROUNDS do
	for _, profile in ipairs(profiles) do measure(profile) end
end

-- Returns the medians of a profile's measures; in milliseconds, or divided by
-- those of `base`.
local function medians(profile, base)
	local row = {}
	for i, name in ipairs(measures) do
		local seconds = bench.median(times[profile][name])
		row[i] = base and ("%s %.3f"):format(name, seconds / bench.median(times[base][name])) or
			("%s %.2f ms"):format(name, seconds * 1e3)
	end
	return table.concat(row, ", ")
end

for _, profile in ipairs(profiles) do
	local base = profile ~= provium.profile and provium.profile or nil
	print(("%-44s %s"):format(profile .. (base and " / " .. base or ""), medians(profile, base)))
end
