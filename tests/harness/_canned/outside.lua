-- SPDX-License-Identifier: GPL-2.0-only
-- An error outside of any test, after one that passed.

test("before", function() assert(true) end)
local function helper() error("not in a test") end
helper()
test("after", function() assert(true) end)
