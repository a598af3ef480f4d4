-- SPDX-License-Identifier: GPL-2.0-only
-- Clones one after the other, with a line in the report for each: for clones/resumes.lua.

local rounds = tonumber(os.getenv "ROUNDS")
local report = assert(io.open(os.getenv "REPORT", "a"))

provium.timeout = "20m"

test("clones answer with the host's time and a stable TSC", function()
	for _ = 1, rounds do
		local vm = provium.fixture(provium.profile)
		local pid, info = vm:syscall "getpid", vm.core:info()
		assert(pid > 0)
		assert_eq("", vm:dmesg "[Tt][Ss][Cc].*unstable")
		local before = os.time()
		local now = tonumber(vm:exec("date +%s").stdout.trim())
		assert(now >= before - 3 and now <= os.time() + 3, ("the guest's clock is off by %d s"):format(now - before))
		report:write(("%s %s %.3f %d %d\n"):format(info.link, info.cid or 0, info.connect_seconds or 0,
			info.connect_attempts or 0, info.connect_timeouts or 0))
		vm:kill()
	end
end)
