-- SPDX-License-Identifier: GPL-2.0-only
-- One machine, left running at the end; its QEMU's pid is printed.

local vm = provium.create("minimal"):boot { memory = "128M" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
test("it runs", function() assert(vm:exec("true").ok) end)
