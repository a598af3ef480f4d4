-- SPDX-License-Identifier: GPL-2.0-only
-- Time limits of each kind; the file's is set before the machine's slowness is known.

provium.timeout = "5s"
local vm = provium.create():boot { memory = "128M" }
test("a test", { timeout = "300ms" }, function() while true do end end)
test("a call", function() vm:exec("sleep 100", { timeout = 0.3 }) end)
test("a condition", function() wait_until(function() return false end, { timeout = "300ms", interval = 0.01 }) end)
test("the file", function() while true do end end)
