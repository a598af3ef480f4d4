-- SPDX-License-Identifier: GPL-2.0-only
-- A file that is no Lua.

test("x", function()
	assert(true
end)
