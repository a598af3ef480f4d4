-- SPDX-License-Identifier: GPL-2.0-only
-- skip() outside of a test.

test("before", function() assert(true) end)
skip("everything")
