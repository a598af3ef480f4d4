-- SPDX-License-Identifier: GPL-2.0-only
-- The same name twice.

test("twice", function() assert(true) end)
test("twice", function() assert(true) end)
test("never reached", function() assert(true) end)
