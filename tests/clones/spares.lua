-- SPDX-License-Identifier: GPL-2.0-only
-- Spares: the clone for the next test is made while a test waits, and is as
-- good as a new one.
--
-- Only the next test can look at a spare, so each scenario consists of two
-- tests of harness/_canned/vm_spares.lua. They run at a gate of their own,
-- because a runner makes no spare while another one waits for memory.

local runner = require "runner"

provium.timeout = "10m"

local function scenario(title, word)
	test(title, function()
		runner.with_folder(function(dir)
			local r = runner.run({ "test", "-f", "^" .. word .. ": ", "vm_spares.lua" },
				{ env = { PROVIUM_GATE = dir }, prefix = { runner.timeout, "-k", "5", "500" } })
			assert_eq(0, r.status, r.said)
			assert_contains(r.said, "vm_spares.lua ... ok (2 tests")
		end)
	end)
end

scenario("a spare made during a test is the next test's VM, with random numbers of its own", "use")
scenario("a spare's uptime stands still until its test begins, and its clock is then set", "time")
scenario("a spare with a busy guest is paused until its test begins", "pause")
scenario("a spare that dies while a test runs fails neither this test nor the next", "death")
scenario("a spare that dies at the end of a test does not fail the next test", "late death")
scenario("a spare made during a test that never waits works in the next test", "no wait")
