-- SPDX-License-Identifier: GPL-2.0-only
-- The guest panics in a test that does not expect it.

local vm = provium.create():boot { memory = "128M", append = "ignore_loglevel" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
test("before", function() assert(vm:exec("true").ok) end)
test("crashes", function() vm:exec("echo c > /proc/sysrq-trigger") end)
test("after", function() vm:exec("true") end)
