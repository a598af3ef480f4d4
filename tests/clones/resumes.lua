-- SPDX-License-Identifier: GPL-2.0-only
-- Fifty resumes, four at a time: over vsock each gets a CID of its own, while the guest's
-- transport is reset under whoever connects.

local runner = require "runner"

provium.timeout = "20m"

local AT_A_TIME, ROUNDS = 4, 13
local STALL = 1		-- seconds, on no machine: that is a connection that was lost

local lines = {}

test("52 resumes, 4 at a time: none fails", function()
	provium.fixture("minimal"):kill()	-- so that nobody has to build it
	runner.with_folder(function(dir)
		local waits = {}
		for i = 1, AT_A_TIME do
			local _, wait = runner.start({ "test", "vm_resumes.lua" },
				{ env = { ROUNDS = ROUNDS, REPORT = dir .. "/" .. i } })
			waits[i] = wait
		end
		for i, wait in ipairs(waits) do
			local status, said = wait()
			assert_eq(0, status, said)
			for line in runner.read(dir .. "/" .. i):gmatch "[^\n]+" do lines[#lines + 1] = line end
		end
	end)
	assert_eq(AT_A_TIME * ROUNDS, #lines)
end)

test("no connection stalls, and no CID is had twice", function()
	if not lines[1] or lines[1]:match "^serial" then skip "no vsock here: make test-kvm shows it" end
	local seen, all, slowest, most, again = {}, {}, 0, 0, 0
	for _, line in ipairs(lines) do
		local cid, seconds, attempts = line:match "^vsock (%d+) (%S+) (%d+)$"
		assert_eq(nil, seen[cid], "CID " .. cid)
		all[#all + 1], again = tonumber(seconds), again + (tonumber(attempts) > 1 and 1 or 0)
		seen[cid], slowest, most = true, math.max(slowest, tonumber(seconds)), math.max(most, tonumber(attempts))
	end
	table.sort(all)
	log(("connections took %.3f s (median), %.3f s (slowest), %d attempts at most; %d needed more than one"):format(
		all[#all // 2 + 1], slowest, most, again))
	assert(slowest < STALL, ("a connection took %.3f s (%d attempts at most)"):format(slowest, most))
end)
