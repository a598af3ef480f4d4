-- SPDX-License-Identifier: GPL-2.0-only
-- Each fault of modules/faults in a clone of its own: tests/reports/faults.lua
-- checks the verdicts.

local LIMITS = { deadlock = "3s" }	-- blocked calls end before their limit

for fault in os.getenv("FAULTS"):gmatch("%S+") do
	local opts = {
		fixture = fault ~= "data_race" and provium.profile or nil, timeout = LIMITS[fault],
		leave_clean = fault:find("_after_unload$") ~= nil,
	}
	test(fault, opts, function(vm)
		vm = vm or provium.create():boot { memory = "256M", cpus = 2 }
		vm:insmod("faults")
		vm:exec(("echo %s >/sys/module/faults/parameters/commit"):format(fault))
		assert(true)
		if not opts.fixture then vm:kill() end
	end)
end
