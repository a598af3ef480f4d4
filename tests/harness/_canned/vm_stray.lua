-- SPDX-License-Identifier: GPL-2.0-only
-- The kernel complains between two tests.

local vm = provium.create():boot { memory = "128M" }
test("before", function() assert(true) end)
vm:insmod("faults")
vm:exec("echo warn >/sys/module/faults/parameters/commit")
test("after", function() assert(true) end)
