-- SPDX-License-Identifier: GPL-2.0-only
-- The file's time limit is reached in a call to the guest.

local vm = provium.create():boot { memory = "128M" }
io.stderr:write("qemu ", vm.core:info().qemu_pid, "\n")
provium.timeout = "1s"
test("hangs", function() vm:exec("sleep 1000") end)
test("not reached", function() assert(true) end)
