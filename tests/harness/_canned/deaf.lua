-- SPDX-License-Identifier: GPL-2.0-only
-- A C function that cannot be interrupted, in a test without a time limit of its own.

test("a pattern match without an end", function()
	assert(("a"):rep(60):find(("a*"):rep(30) .. "b"))
end)
