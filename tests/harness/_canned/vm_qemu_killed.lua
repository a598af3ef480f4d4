-- SPDX-License-Identifier: GPL-2.0-only
-- QEMU is killed during a call.

local vm = provium.create():boot { memory = "128M" }
local pid = vm.core:info().qemu_pid
io.stderr:write("qemu ", pid, "\n")
test("QEMU is killed during a call", function()
	os.execute(("(sleep 0.2; kill -" .. (os.getenv("SIGNAL") or "KILL") .. " %d) >/dev/null 2>&1 &"):format(pid))
	vm:exec("sleep 1000")
end)
test("the next call", function() vm:syscall("getpid") end)
