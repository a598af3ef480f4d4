-- SPDX-License-Identifier: GPL-2.0-only
-- VMs for tests of a module that adds system calls.

local calls = {}

-- The profile that the user gave to make (PROFILE=), or the default.
calls.profile = provium.profile

local function has_numbers(vm) return vm:exec("test -d /sys/module/provium_syscalls").ok end

-- A test() that skips: for kernels without system call numbers for modules.
local function skipping_test(name)
	test(name, function() skip("no system calls 1000 to 1063 in this kernel (kernel-configs/overlay)") end)
end

-- Returns a booted VM with the module loaded, and a test() that skips if the
-- kernel has no numbers for modules.
function calls.boot(module, opts)
	local vm = provium.create(calls.profile):boot(opts)
	if not has_numbers(vm) then return vm, skipping_test end
	vm:insmod(module)
	return vm, test
end

-- Returns a test() that skips in the same way, for tests that run on clones.
function calls.test_on_clones()
	local vm = provium.fixture(calls.profile)
	local found = has_numbers(vm)
	vm:kill()
	return found and test or skipping_test
end

return calls
