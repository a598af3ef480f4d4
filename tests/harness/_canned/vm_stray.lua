-- SPDX-License-Identifier: GPL-2.0-only
-- The kernel complains between two tests.

local vm = provium.create("minimal"):boot { memory = "128M" }
test("before", function() assert(true) end)
vm:write_file("/dev/kmsg", "<4>WARNING: between two tests\n")
test("after", function() assert(true) end)
