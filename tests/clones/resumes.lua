-- SPDX-License-Identifier: GPL-2.0-only
-- Fifty resumes, four at a time. Over vsock each has its own CID, and the
-- guest's transport is reset while the runner connects.

local runner = require "runner"

provium.timeout = "20m"

local AT_A_TIME, ROUNDS = 4, 13
-- Attempts to connect after a resume: the guest refuses the first while it
-- resets its transport, and on a busy machine a second one can time out. A
-- connection that is lost costs an attempt, too. One connection in ten may need
-- more: the machine was busy just then.
local ATTEMPTS_MAX, REST = 3, 10

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

test("over vsock, connections after a resume need few attempts, and no CID is used twice", function()
	resume_all()
	if lines[1]:match "^serial" then skip "there is no vsock here; make test-kvm has it" end
	local seen, all, slowest, most, again, many = {}, {}, 0, 0, 0, 0
	for _, line in ipairs(lines) do
		local cid, seconds, attempts = line:match "^vsock (%d+) (%S+) (%d+)$"
		assert_eq(nil, seen[cid], "CID " .. cid)
		all[#all + 1], again = tonumber(seconds), again + (tonumber(attempts) > 1 and 1 or 0)
		seen[cid] = true
		if tonumber(attempts) > ATTEMPTS_MAX then many = many + 1 end
		slowest, most = math.max(slowest, tonumber(seconds)), math.max(most, tonumber(attempts))
	end
	table.sort(all)
	log(("connections took %.3f s (median), %.3f s (slowest), %d attempts at most; %d needed more than one"):format(
		all[#all // 2 + 1], slowest, most, again))
	assert(many <= #all // REST, ("%d of %d connections needed more than %d attempts (the slowest took %.3f s)"):format(
		many, #all, ATTEMPTS_MAX, slowest))
end)
