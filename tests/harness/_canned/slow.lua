-- SPDX-License-Identifier: GPL-2.0-only
-- Its second test ends when somebody makes the file that the first one names.

local name = os.tmpname()
os.remove(name)

test("at once", function()
	log(name)
	assert(true)
end)
test("when it may", function()
	wait_until(function() return os.remove(name) end, { timeout = 30, interval = 0.01 })
end)
