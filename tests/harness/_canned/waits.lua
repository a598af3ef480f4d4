-- SPDX-License-Identifier: GPL-2.0-only
-- A test that waits at the gate for longer than its time limit.

local core = require "provium.core"

test("waits", { timeout = "200ms" }, function()
	require "provium.limits".wait_at_gate(function()
		core.pause(0.3)
		return 0.3
	end)
	assert(true)
end)
