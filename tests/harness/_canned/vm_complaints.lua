-- SPDX-License-Identifier: GPL-2.0-only
-- Complaints that no test expects, and expected ones that do not come.

local vm = provium.create("minimal"):boot { memory = "128M" }
local function kernel_says(text) vm:write_file("/dev/kmsg", "<4>" .. text .. "\n") end

test("a warning", function()
	kernel_says("WARNING: CPU: 0 PID: 1 at fs/none.c:1 nowhere+0x0/0x10")
	assert(true)
end)
test("runs after a warning in another test", function() assert(true) end)
test("expects a complaint that does not come", { expect = "refcount_t" }, function() end)
test("expects a complaint, and another comes", { expect = "refcount_t" }, function()
	kernel_says("refcount_t: underflow; use-after-free.")
	kernel_says("BUG: kernel NULL pointer dereference, address: 0000000000000008")
end)
test("expects a panic that does not come", { expect_panic = true }, function() end)
test("fails an assertion after a complaint", function()
	kernel_says("WARNING: this too")
	assert(false, "my own")
end)
