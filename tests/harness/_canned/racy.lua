-- SPDX-License-Identifier: GPL-2.0-only
-- Fails about once in a hundred recorded runs: see modules/racy/racy.c.

test("no update is lost", { fixture = provium.profile }, function(vm)
	vm:insmod("racy")
	assert_eq("0\n", vm:read_file("/sys/module/racy/parameters/lost"))
end)
