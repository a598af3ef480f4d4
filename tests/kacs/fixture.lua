-- SPDX-License-Identifier: GPL-2.0-only
-- A fixture with kacs: in every test the module is loaded, and has no state of
-- another test.

local test = require("calls").test_on_clones()

test("a clone with kacs has the SYSTEM token of the saved VM", { fixture = "kacs" }, function(vm)
	assert(vm:syscall("kacs_open_self_token", 0, 8) >= 3)
	assert(vm.kacs:open_self_token(0, 8) >= 4)
end)

test("workers of a clone inherit its token", { fixture = "kacs" }, function(vm)
	for _, thread in ipairs { false, true } do
		local w = vm:spawn { thread = thread, uid = 1000 }
		assert(w.kacs:open_self_token(0, 8) >= 3)
	end
end)

test("a panic of a clone with kacs fails no other test", { fixture = "kacs", expect_panic = true }, function(vm)
	vm:exec("echo c >/proc/sysrq-trigger")
end)

test("a clone with kacs can unload the module", { fixture = "kacs" }, function(vm)
	vm:rmmod("kacs")
	assert_errno("ENOSYS", vm:syscall(1000, 0, 8))
end)

test("a clone with kacs has the module although other tests unload it", { fixture = "kacs" }, function(vm)
	assert_eq(3, vm:syscall(1000, 0, 8))
end)
