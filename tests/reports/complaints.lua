-- SPDX-License-Identifier: GPL-2.0-only
-- Complaints of the kernel: which lines count, and when they are expected.
--
-- No stock kernel oopses on request, so the lines are written to /dev/kmsg. What an unexpected
-- complaint does to a test is in kit/bad_input.lua, because a test cannot fail here.

local vm = provium.create("minimal"):boot()

local function kernel_says(text) vm:write_file("/dev/kmsg", "<4>" .. text .. "\n") end

test("a warning that the test expects passes", { expect = "WARNING: CPU" }, function()
	kernel_says("WARNING: CPU: 0 PID: 1 at fs/none.c:1 nowhere+0x0/0x10")
end)

test("an oops that the test expects by its address passes", { expect = "address: 0+8$" }, function()
	kernel_says("BUG: kernel NULL pointer dereference, address: 0000000000000008")
end)

test("an expected complaint counts as a check beside others", { expect = "refcount_t" }, function()
	kernel_says("refcount_t: underflow; use-after-free.")
	assert_contains(vm:dmesg("underflow"), "use-after-free")
end)

test("log lines about a crashed program are no complaint", function()
	kernel_says("traps: sh[77] general protection fault ip:8 sp:8 error:0")
	kernel_says("sh[77]: segfault at 8 ip 0000000000000008 sp 00007ffc0 error 14")
	assert_contains(vm:dmesg("segfault"), "segfault at 8")
end)

test("a real crash of a program is no complaint", function()
	assert_error(function() vm:syscall("munmap", 0x10000, 0x7fffffff0000 - 0x10000) end, "killed by signal 11")
end)

test("a log line with a complaint's words in small letters is no complaint", function()
	kernel_says("no warning: all is well, and no bug: either")
	assert_contains(vm:dmesg("all is well"), "no bug")
end)

provium.ignore("WARNING: known quirk", "this machine always says so")

test("a complaint that the file ignores does not fail its test", function()
	kernel_says("WARNING: known quirk of this board")
	assert_contains(vm:dmesg("known quirk"), "board")
end)

test("a panic that the test expects passes", { expect_panic = true }, function()
	local other = provium.create("minimal"):boot { memory = "128M" }
	other:exec("echo c > /proc/sysrq-trigger")
end)

test("a test is not blamed for the expected panic of another", function()
	assert(vm:exec("true").ok)
end)
