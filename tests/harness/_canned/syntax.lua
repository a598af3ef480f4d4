-- SPDX-License-Identifier: GPL-2.0-only
-- A file with a syntax error.

test("x", function()
	assert(true
end)
