-- SPDX-License-Identifier: GPL-2.0-only
-- evdi-dkms: graphics cards whose screen is a program (linux/drm.h).

local dkms = require "dkms"

local VERSION = provium.IOWR("d", 0x00, 64)

local case = dkms.tests("evdi", {}, function(vm)
	vm:mount_vfs()
	vm:insmod("evdi")
end)

-- Returns the paths of the cards whose driver is evdi.
local function cards(vm)
	local paths = {}
	for path in vm:exec("ls /dev/dri/card*").stdout:gmatch("%S+") do
		local fd = dkms.open(vm, path)
		local ret, _, name = vm:ioctl(fd, VERSION, provium.inout(provium.struct("i32 i32 i32 x4 u64 ptr u64 u64 u64 u64",
			0, 0, 0, 4, provium.out(4), 0, 0, 0, 0)))
		vm:syscall("close", fd)
		if ret == 0 and name == "evdi" then paths[#paths + 1] = path end
	end
	return paths
end

case("the module makes no card by itself", function(vm) assert_eq({}, cards(vm)) end)

case("writing a number to /sys/devices/evdi/add makes that many cards", function(vm)
	vm:write_file("/sys/devices/evdi/add", "2\n")
	vm:wait_until(function() return #cards(vm) == 2 end, { interval = 0.1 })
	assert_eq("2", vm:exec("cat /sys/devices/evdi/count").stdout.trim())
end)

case("more cards than the module can have are refused with EINVAL", function(vm)
	local err = assert_error(function() vm:write_file("/sys/devices/evdi/add", "1000\n") end, "EINVAL")
	assert_eq("EINVAL", err.errno)
end)

-- evdi 1.12 uses a card's painter after the painter is gone. That faults where
-- freed memory is overwritten, as in the distribution's kernels.
local FAULTS = provium.profile:find "^distro"
case("removing the cards works, or faults in evdi 1.12 where freed memory is overwritten",
	{ expect = FAULTS and "in evdi_painter_needs_full_modeset" or nil },
	function(vm)
		local function remove() vm:write_file("/sys/devices/evdi/remove_all", "1\n") end
		if FAULTS then return assert_error(remove) end
		remove()
		assert_eq({}, cards(vm))
	end)
