-- SPDX-License-Identifier: GPL-2.0-only
-- A VM that is left running at the end of the file; QEMU's pid is printed.

local vm = provium.create():boot { memory = "128M" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
test("it runs", function() assert(vm:exec("true").ok) end)
