-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that gather data without end.

local function gather(into)
	while true do into[#into + 1] = ("x"):rep(1000) .. #into end
end

test("gathers strings", function() gather {} end)
test("gathers in a coroutine", function() coroutine.wrap(gather) {} end)
test("doubles a string", function()
	local s = "x"
	while true do s = s .. s end
end)
test("catches the error and asserts", function() assert(pcall(gather, {})) end)
test("memory that nothing holds is free again", function()
	for _ = 1, 100 do assert(("x"):rep(1 << 20)) end
end)
test("keeps what it has gathered", function()
	while true do Kept = { Kept } end
end)
test("does not run", function() assert(true) end)
