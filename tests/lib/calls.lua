-- SPDX-License-Identifier: GPL-2.0-only
-- VMs for tests of a module that adds system calls.

local calls = {}

-- The profile that the user gave to make (PROFILE=), or the default.
calls.profile = provium.profile

-- Returns a booted VM with the module loaded, and a test() that skips if the
-- kernel has no numbers for modules.
function calls.boot(module, opts)
	local vm = provium.create(calls.profile):boot(opts)
	if vm:exec("test -d /sys/module/provium_syscalls").ok then
		vm:insmod(module)
		return vm, test
	end
	return vm, function(name)
		test(name, function() skip("no system calls 1000 to 1063 in this kernel (kernel-configs/overlay)") end)
	end
end

return calls
