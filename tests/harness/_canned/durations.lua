-- SPDX-License-Identifier: GPL-2.0-only
-- Durations that are no time, or more than a machine will ever run.

for _, d in ipairs { math.huge, 1e300, math.maxinteger, "999999999999h" } do
	test("a limit of " .. d, { timeout = d }, function()
		provium.timeout = d
		wait_until(function() return true end, { timeout = d, interval = d })
	end)
end
for _, d in ipairs { -1, -math.huge, 0 / 0 } do
	test("refuses " .. tostring(d):gsub("-nan", "nan"), function()
		assert_error(function() provium.timeout = d end, "^provium.timeout: expected seconds or a duration ")
		assert_error(function() wait_until(print, { timeout = d }) end, "^wait_until: timeout: expected seconds ")
		assert_error(function() wait_until(print, { interval = d }) end, "^wait_until: interval: expected seconds ")
	end)
end
test("ends the file", { timeout = -1 }, function() assert(true) end)
