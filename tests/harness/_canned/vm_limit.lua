-- SPDX-License-Identifier: GPL-2.0-only
-- A test's time limit is reached in a call to the guest.

local vm = provium.create():boot { memory = "128M" }
test("hangs in a command", { timeout = "200ms" }, function() vm:exec("sleep 1000") end)
test("the next command", function() assert(vm:exec("true").ok) end)
test("hangs in a system call", { timeout = "200ms" }, function() vm:syscall("pause") end)
test("the next system call", function() assert(vm:syscall("getpid") > 1) end)
