-- SPDX-License-Identifier: GPL-2.0-only
-- kacs in a fixture: every test has the module loaded, and nothing another test did.

test("the executor is SYSTEM in a clone as in the VM it was saved from", { fixture = "kacs" }, function(vm)
	assert(vm:syscall("kacs_open_self_token", 0, 8) >= 3)
	assert(vm.kacs:open_self_token(0, 8) >= 4)
end)

test("tokens are inherited by what a clone spawns", { fixture = "kacs" }, function(vm)
	for _, thread in ipairs { false, true } do
		local w = vm:spawn { thread = thread, uid = 1000 }
		assert(w.kacs:open_self_token(0, 8) >= 3)
	end
end)

test("a panic costs this test alone", { fixture = "kacs", expect_panic = true }, function(vm)
	vm:exec("echo c >/proc/sysrq-trigger")
end)

test("the next one has the module, and unloads it", { fixture = "kacs" }, function(vm)
	vm:rmmod("kacs")
	assert_errno("ENOSYS", vm:syscall(1000, 0, 8))
end)

test("and the one after that has it again", { fixture = "kacs" }, function(vm)
	assert_eq(3, vm:syscall(1000, 0, 8))
end)
