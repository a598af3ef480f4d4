-- SPDX-License-Identifier: GPL-2.0-only
-- Error values that raise errors themselves when they are shown, or are large.

local function raises(name)
	return setmetatable({}, { [name] = function() error("raised by " .. name) end })
end

test("__tostring raises", function() error(raises "__tostring") end)
test("__tostring returns no string", function()
	error(setmetatable({}, { __tostring = function() return {} end }))
end)
test("__index raises", function() error(raises "__index") end)
test("__pairs raises", function() error(raises "__pairs") end)
test("__len raises", function() error(raises "__len") end)
test("__metatable is no table", function() error(setmetatable({ 1 }, { __metatable = "locked" })) end)
test("a key whose __tostring raises", function() error { [raises "__tostring"] = 1, a = 2 } end)
test("the field kind of another library", function() error { kind = "user", message = {} } end)
test("the kind of a skip in a plain table", function() error { kind = "skip" } end)
test("an error object with a message that is no string", function()
	local _, err = pcall(skip, "x")
	err.message = { 7 }
	error(err)
end)
test("a table nested a million deep", function()
	local t = {}
	for _ = 1, 1000000 do t = { t } end
	error(t)
end)
test("a table that contains itself often", function()
	local t = {}
	for _ = 1, 100 do t = { t, t, t } end
	error(t)
end)
test("after them", function() assert(true) end)
