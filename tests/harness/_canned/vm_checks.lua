-- SPDX-License-Identifier: GPL-2.0-only
-- Faults that only kernels with more checks report, each in a VM of its own:
-- tests/reports/checks.lua checks the verdicts.

local function boot(cpus)
	local vm = provium.create():boot { memory = "256M", cpus = cpus }
	vm:insmod("faults")
	return vm
end

local function commit(vm, fault) return vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault)) end

for fault in os.getenv("FAULTS"):gmatch("%S+") do
	test(fault, { leave_clean = fault:find("_after_unload$") ~= nil }, function()
		commit(boot(fault == "data_race" and 2 or 1), fault)
		assert(true)
	end)
end
