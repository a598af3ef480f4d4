-- SPDX-License-Identifier: GPL-2.0-only
-- Each test's report has the kernel lines of that test only.

local vm = provium.create():boot { memory = "128M", append = "ignore_loglevel" }
local function kernel_says(text) vm:write_file("/dev/kmsg", "<4>" .. text .. "\n") end

kernel_says("between boot and test")
test("first", function()
	kernel_says("of the first")
	assert(true)
end)
kernel_says("between two tests")
test("second", function()
	kernel_says("of the second <&> \xff")
	kernel_says("reboot: System halted")
	assert_eq("this", "that")
end)
test("prints 250 kernel lines", function()
	for i = 1, 250 do kernel_says("line " .. i) end
	assert(false)
end)
test("panics", function()
	kernel_says("before the panic")
	vm:exec("echo c > /proc/sysrq-trigger")
end)
