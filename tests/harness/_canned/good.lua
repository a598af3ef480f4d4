-- SPDX-License-Identifier: GPL-2.0-only
-- Two tests that pass.

test("one", function() assert(true) end)
test("two", function() assert_eq(2, 1 + 1) end)
