-- SPDX-License-Identifier: GPL-2.0-only
-- For provium test --record: what a recorded VM cannot do; and a call that is
-- interrupted.

test("two processors", function() provium.create():boot { cpus = 2 } end)

test("a disk", function() provium.create():boot { disks = { { path = "recorded.lua" } } } end)

test("a seed", function() provium.fixture(provium.profile, { seed = 1 }) end)

test("a snapshot", { fixture = provium.profile }, function(vm) vm:snapshot() end)

test("waits", { fixture = provium.profile }, function(vm)
	print("waits now")
	vm:exec("sleep 60")
end)
