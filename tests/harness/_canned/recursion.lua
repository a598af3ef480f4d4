-- SPDX-License-Identifier: GPL-2.0-only
-- Recursion without end, of several kinds.

local function calls_itself() return 1 + calls_itself() end
local function calls_pcall()
	local ok, err = pcall(calls_pcall)
	if not ok then error(err, 0) end
end
local function replaces(s) return (s:gsub("x", replaces)) end
local indexes = setmetatable({}, { __index = function(t, key) return t[key] end })
local function resumes() assert(coroutine.resume(coroutine.create(resumes))) end

test("of a Lua function", calls_itself)
test("through pcall", calls_pcall)
test("through gsub", function() replaces("x") end)
test("through __index", function() return indexes.x end)
test("through coroutines", resumes)
test("after them", function() assert(true) end)
