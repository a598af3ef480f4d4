-- SPDX-License-Identifier: GPL-2.0-only
-- Two tests with the same title.

test("twice", function() assert(true) end)
test("twice", function() assert(true) end)
test("never reached", function() assert(true) end)
