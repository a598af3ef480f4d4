-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that fail by faults of the module "faults".

test("uses a NULL pointer", { fixture = provium.profile }, function(vm)
	vm:insmod("faults", { commit = "null" })
	assert(true)
end)

test("fails with its module inserted", { fixture = provium.profile }, function(vm)
	vm:insmod("faults")
	assert_eq(1, 2)
end)

test("panics", { fixture = provium.profile }, function(vm)
	vm:insmod("faults", { commit = "panic" })
	assert(true)
end)
