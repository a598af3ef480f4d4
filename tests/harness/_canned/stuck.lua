-- SPDX-License-Identifier: GPL-2.0-only
-- A time limit that is reached inside a C function that cannot be interrupted.

test("a pattern match without an end", { timeout = "100ms" }, function()
	assert(("a"):rep(60):find(("a*"):rep(30) .. "b"))
end)
