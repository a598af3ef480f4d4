-- SPDX-License-Identifier: GPL-2.0-only
-- Endless loops, each in a test with a time limit.

test("a loop", { timeout = "100ms" }, function() while true do end end)
test("a loop that catches its errors", { timeout = "100ms" }, function()
	while true do pcall(function() while true do end end) end
end)
test("a loop in a coroutine", { timeout = "100ms" }, function()
	coroutine.wrap(function() while true do end end)()
end)
test("the next one runs", function() assert(true) end)
