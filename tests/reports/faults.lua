-- SPDX-License-Identifier: GPL-2.0-only
-- The faults of modules/faults that every kernel reports, each with its title:
-- docs/faults.md has the table. complaints.lua and hangs.lua have the others.

-- The title's pattern by fault.
local REPORTED = {
	divide = "^divide error in fault_divide$",
	refcount_underflow = "^refcount_t: underflow in fault_refcount_underflow$",
	-- With KASAN, the access to KASAN's own memory is what fails.
	null = provium.profile == "kasan" and "^general protection fault in fault_null$" or
		"^NULL pointer dereference in fault_null$",
	null_call = "^NULL pointer dereference in fault_null_call$",
	null_call_work = "^NULL pointer dereference in call_null$",
	freed_pointer = provium.profile == "kasan" and "^KASAN: .*use%-after%-free in fault_freed_pointer$" or
		"^NULL pointer dereference in fault_freed_pointer$",
	wild_pointer = "general protection fault.* in fault_wild_pointer$",
}

local function commit(fault)
	local vm = provium.create():boot { memory = "128M" }
	vm:insmod("faults")
	pcall(vm.exec, vm, ("echo %s >/sys/module/faults/parameters/commit"):format(fault))
	vm:kill()
end

for fault, title in pairs(REPORTED) do
	test(("the fault %s is reported by its title"):format(fault), { expect = title }, function() commit(fault) end)
end

test("the fault stack_overflow panics the guest, and is reported by its title",
	{ expect_panic = "^stack guard page was hit in overflow$" }, function() commit("stack_overflow") end)
