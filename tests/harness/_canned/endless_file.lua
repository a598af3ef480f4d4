-- SPDX-License-Identifier: GPL-2.0-only
-- A file with a time limit, and a loop without one.

provium.timeout = "200ms"
test("before", function() assert(true) end)
test("a loop", function() while true do end end)
test("not reached", function() assert(true) end)
