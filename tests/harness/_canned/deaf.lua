-- SPDX-License-Identifier: GPL-2.0-only
-- A C function that never looks up, without a limit of its own.

test("a pattern that takes for ever", function()
	assert(("a"):rep(60):find(("a*"):rep(30) .. "b"))
end)
