-- SPDX-License-Identifier: GPL-2.0-only
-- The guest panics outside of any test: the file is broken, and no test fails.

local vm = provium.create():boot { memory = "128M" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
test("before", function() assert(true) end)
vm:exec("echo c > /proc/sysrq-trigger")
