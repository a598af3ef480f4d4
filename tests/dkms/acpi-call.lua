-- SPDX-License-Identifier: GPL-2.0-only
-- acpi-call-dkms: /proc/acpi/call evaluates objects of the firmware.

local dkms = require "dkms"

local case = dkms.tests("acpi-call", {}, function(vm)
	vm:mount_vfs()
	vm:insmod("acpi_call")
end)

local function call(vm, object)
	vm:write_file("/proc/acpi/call", object)
	return (vm:read_file("/proc/acpi/call"):gsub("\0.*", ""))
end

case("acpi_call evaluates the number of an object of QEMU's firmware", function(vm)
	assert_eq("0x0", call(vm, "\\_SB.PCI0._UID"))
end)

case("acpi_call decodes a package with the values of sleep state 5", function(vm)
	assert_eq("[0x0, 0x0, 0x0, 0x0]", call(vm, "\\_S5"))
end)

case("acpi_call reports an object that the firmware lacks", function(vm)
	assert_eq("Error: AE_NOT_FOUND", call(vm, "\\_SB.NONE"))
	assert_contains(vm:read_file("/proc/acpi/call"), "not called")
end)

case("acpi_call can be removed, and its file is gone", function(vm)
	vm:rmmod("acpi_call")
	assert(not vm:exec("test -e /proc/acpi/call").ok)
end)
