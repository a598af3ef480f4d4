-- SPDX-License-Identifier: GPL-2.0-only
-- Calls that take longer than a blocked one may, and end by themselves.

local vm = provium.create():boot { memory = "128M" }

test("a reader of a pipe whose writer sleeps", function()
	assert_eq("late\n", vm:exec("(sleep 10; echo late) | cat").stdout.value)
end)
