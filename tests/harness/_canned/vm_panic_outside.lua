-- SPDX-License-Identifier: GPL-2.0-only
-- The guest dies outside of any test: that is nobody's failure.

local vm = provium.create("minimal"):boot { memory = "128M" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
test("before", function() assert(true) end)
vm:exec("echo c > /proc/sysrq-trigger")
