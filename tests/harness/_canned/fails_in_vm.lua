-- SPDX-License-Identifier: GPL-2.0-only
-- Two tests that fail with their VM running, and one that passes.

test("leaves a file and an open descriptor", { fixture = provium.profile, leave_clean = true }, function(vm)
	vm:write_file("/tmp/left", "by the test\n")
	assert_eq(3, vm:syscall("openat", -100, "/tmp/left\0", 0))
	assert_eq(1, 2)
end)

test("passes", function() assert(true) end)

test("fails in a VM again", { fixture = provium.profile }, function(vm)
	vm:write_file("/tmp/second", "")
	assert_eq(1, 2)
end)

test("fails after its guest's panic", { fixture = provium.profile }, function(vm)
	vm:exec("echo c >/proc/sysrq-trigger")
end)
