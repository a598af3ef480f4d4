-- SPDX-License-Identifier: GPL-2.0-only
-- The kernel becomes tainted, without a report, between two tests.

local vm = provium.create():boot { memory = "128M" }
vm:insmod("faults")

test("before", function() assert(vm:exec("true").ok) end)

vm:exec("echo silent >/sys/module/faults/parameters/commit")

test("after", function() assert(vm:exec("true").ok) end)
