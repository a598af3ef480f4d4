-- SPDX-License-Identifier: GPL-2.0-only
-- The second test ends when the file exists whose name the first one logs.

local name = os.tmpname()
os.remove(name)

test("at once", function()
	log(name)
	assert(true)
end)
test("when the file exists", function()
	wait_until(function() return os.remove(name) end, { timeout = 30, interval = 0.01 })
end)
