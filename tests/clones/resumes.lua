-- SPDX-License-Identifier: GPL-2.0-only
-- Fifty resumes, four at a time. Over vsock each has its own CID, and the
-- guest's transport is reset while the runner connects.

local runner = require "runner"

provium.timeout = "20m"

local AT_A_TIME, ROUNDS = 4, 13
-- Attempts to connect after a resume that the guest answers: it refuses one
-- while it resets its transport, and one that it has accepted is lost. Attempts
-- that time out are not counted: how many there are depends on how long a busy
-- machine takes to let the guest run.
local ATTEMPTS_MAX = 3

-- Runs the canned suite in several runners at once, only once for both tests.
-- Returns a line for each resume.
local lines
local function resume_all()
	if lines then return end
	lines = {}
	provium.fixture(provium.profile):kill()	-- builds the fixture, so that the runners need not do so
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
end

test(("%d resumes, %d at a time, all succeed"):format(AT_A_TIME * ROUNDS, AT_A_TIME), function()
	resume_all()
	assert_eq(AT_A_TIME * ROUNDS, #lines)
end)

test("over vsock, a guest that answers after a resume is connected in few attempts, and no CID is used twice", function()
	resume_all()
	if lines[1]:match "^serial" then skip "there is no vsock here; make test-kvm has it" end
	local seen, all, slowest, most, timeouts = {}, {}, 0, 0, 0
	for _, line in ipairs(lines) do
		local cid, seconds, attempts, late = line:match "^vsock (%d+) (%S+) (%d+) (%d+)$"
		assert_eq(nil, seen[cid], "CID " .. cid)
		all[#all + 1], seen[cid], timeouts = tonumber(seconds), true, timeouts + late
		slowest, most = math.max(slowest, tonumber(seconds)), math.max(most, attempts - late)
	end
	table.sort(all)
	local took = ("%d connections took %.3f s (median), %.3f s (slowest), %d attempts at most, and %d timed out")
		:format(#all, all[#all // 2 + 1], slowest, most, timeouts)
	log(took)
	assert(most <= ATTEMPTS_MAX, took)
end)
