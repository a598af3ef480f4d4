-- SPDX-License-Identifier: GPL-2.0-only
-- A time limit reached inside of a C function that never looks up.

test("a pattern that takes for ever", { timeout = "100ms" }, function()
	assert(("a"):rep(60):find(("a*"):rep(30) .. "b"))
end)
