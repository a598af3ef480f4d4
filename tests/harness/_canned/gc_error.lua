-- SPDX-License-Identifier: GPL-2.0-only
-- A finalizer that raises an error while a test runs.

test("collects garbage", function()
	setmetatable({}, { __gc = function() error("raised by __gc") end })
	collectgarbage()
	assert(true)
end)
test("after it", function() assert(true) end)
