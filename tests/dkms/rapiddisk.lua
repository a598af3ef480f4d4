-- SPDX-License-Identifier: GPL-2.0-only
-- rapiddisk-dkms: disks in memory, attached and detached through sysfs.

local dkms = require "dkms"

local MGMT = "/sys/kernel/rapiddisk/mgmt"

local case = dkms.tests("rapiddisk", {}, function(vm)
	vm:mount_vfs()
	vm:insmod("rapiddisk")
	vm:insmod("rapiddisk-cache")
end)

local function sh(vm, cmd)
	local r = vm:exec(cmd)
	assert_eq({ 0, "" }, { r.exit_code, r.stderr.value })
	return r.stdout.trim()
end

case("a disk that is attached has the size that was asked for", function(vm)
	vm:write_file(MGMT, "rapiddisk attach 0 4194304\n")
	assert_eq("4194304", sh(vm, "blockdev --getsize64 /dev/rd0"))
	assert_contains(vm:read_file("/sys/kernel/rapiddisk/devices"), "rd0")
end)

case("a block that is written to the disk is read back", function(vm)
	vm:write_file("/tmp/block", ("rapiddisk "):rep(4096):sub(1, 4096))
	sh(vm, "dd if=/tmp/block of=/dev/rd0 bs=4096 seek=100 conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches")
	sh(vm, "dd if=/dev/rd0 bs=4096 skip=100 count=1 2>/dev/null | cmp - /tmp/block")
end)

case("a disk that is detached is gone", function(vm)
	vm:write_file(MGMT, "rapiddisk detach 0\n")
	vm:wait_until(function() return not vm:exec("test -e /dev/rd0").ok end, { interval = 0.05 })
end)
