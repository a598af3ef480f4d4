-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that break Lua's library or set hooks, which must harm only themselves.

local kept = { print = print, sethook = debug.sethook, error = error }

test("a hook that raises", function()
	kept.sethook(function() kept.error("raised by the hook", 0) end, "crl")
	assert(true)
end)
test("after the hook", function() assert(true) end)
test("removes the library", function()
	for _, library in ipairs { string, table, math, utf8, debug, io, os, coroutine } do
		for name in pairs(library) do library[name] = nil end
	end
	local global, names = _G, {}
	for _, name in ipairs { "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawlen",
		"select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "require", "load", "string", "table", "math" } do
		names[#names + 1] = name
	end
	for i = 1, #names do global[names[i]] = nil end
	assert(true)
end)
test("after the library", function() assert_eq({ a = { 1 } }, { a = { 2 } }) end)
test("string methods", function() assert_eq("a 1", ("a %d"):format(1)) end)
