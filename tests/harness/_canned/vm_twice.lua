-- SPDX-License-Identifier: GPL-2.0-only
-- Two VMs, one after the other: the second one's QEMU comes from the fork server.

for i = 1, 2 do
	test("VM " .. i, function()
		local vm = provium.create():boot { memory = "128M" }
		assert(vm:exec("true").ok)
		vm:kill()
	end)
end
