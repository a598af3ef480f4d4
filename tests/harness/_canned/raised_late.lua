-- SPDX-License-Identifier: GPL-2.0-only
-- Errors without a value, and errors of metamethods that Lua calls by itself.

local function closes_with_error()
	return setmetatable({}, { __close = function() error("raised by __close") end })
end

test("error(nil)", function() error(nil) end)
test("__close raises", function()
	local _ <close> = closes_with_error()
	assert(true)
end)
test("__close raises after another error", function()
	local _ <close> = closes_with_error()
	error("first")
end)
test("os.exit() in a test", function() os.exit(true) end)
