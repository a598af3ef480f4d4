-- SPDX-License-Identifier: GPL-2.0-only
-- A test inside a test.

test("outer", function()
	test("inner", function() assert(true) end)
end)
test("after it", function() assert(true) end)
