-- SPDX-License-Identifier: GPL-2.0-only
-- dm-writeboost-dkms: a device-mapper target that writes to a cache first. The
-- requests of dmsetup(8) are made directly (linux/dm-ioctl.h).

local dkms = require "dkms"
local runner = require "runner"

local MIB = 1 << 20
local dir, _ <close> = runner.new_folder()
for _, name in ipairs { "backing", "cache" } do
	assert(os.execute(("truncate -s 32M %s/%s"):format(dir, name)))
end

local case = dkms.tests("dm-writeboost", {
	disks = { { path = dir .. "/backing", format = "raw" }, { path = dir .. "/cache", format = "raw" } },
}, function(vm)
	vm:mount_vfs()
	vm:insmod("dm-writeboost")
end)

local CREATE, REMOVE, SUSPEND, LOAD, STATUS, MESSAGE = 3, 4, 6, 9, 12, 14
local HEADER_BYTES = 312

-- Makes a request about the device "wb" that must succeed, and returns what
-- follows the header of its answer.
local function request(vm, nr, payload, targets)
	payload = payload or ""
	local size = HEADER_BYTES + math.max(#payload, 1024)
	local fd = dkms.open(vm, "/dev/mapper/control")
	local header = provium.pack("u32 u32 u32 u32 u32 u32 u32 u32 u32 u32 u64 s128 s129 x7",
		4, 0, 0, size, HEADER_BYTES, targets or 0, 0, 0, 0, 0, 0, "wb", "")
	local padding = ("\0"):rep(size - HEADER_BYTES - #payload)
	local ret, out = vm:ioctl(fd, provium.IOWR(0xfd, nr, HEADER_BYTES), header .. payload .. padding)
	vm:syscall("close", fd)
	assert_eq(0, ret)
	return out:sub(HEADER_BYTES + 1)
end

-- Returns the numbers of the target's status line.
local function status(vm)
	local numbers, line = {}, request(vm, STATUS):sub(41):match("^[^\0]*")
	for word in line:gmatch("%S+") do numbers[#numbers + 1] = tonumber(word) end
	return { dirty = numbers[7], written_back = numbers[6] }
end

local function sh(vm, cmd)
	local r = vm:exec(cmd)
	assert_eq({ 0, "" }, { r.exit_code, r.stderr.value })
end

case("the target's table is loaded, and the device has the size of the backing disk", function(vm)
	request(vm, CREATE)
	local params = "/dev/vda /dev/vdb\0"
	request(vm, LOAD, provium.pack("u64 u64 i32 u32 s16", 0, 32 * MIB // 512, 0, 0, "writeboost") .. params, 1)
	request(vm, SUSPEND)
	vm:wait_until(function() return vm:exec("test -b /dev/dm-0").ok end, { interval = 0.05 })
	assert_eq(tostring(32 * MIB), vm:exec("blockdev --getsize64 /dev/dm-0").stdout.trim())
end)

case("data that is written to the device is in the cache, and not on the backing disk", function(vm)
	vm:write_file("/tmp/data", ("writeboost"):rep(MIB // 10 + 1):sub(1, MIB))
	sh(vm, "dd if=/tmp/data of=/dev/dm-0 bs=4k seek=256 conv=fsync 2>/dev/null")
	assert(status(vm).dirty > 0, "no block is in the cache only")
	sh(vm, "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/dm-0 bs=4k skip=256 count=256 2>/dev/null | cmp - /tmp/data")
	assert(not vm:exec("dd if=/dev/vda bs=4k skip=256 count=256 2>/dev/null | cmp -s - /tmp/data").ok)
end)

case("the message drop_caches writes all data back to the backing disk", function(vm)
	request(vm, MESSAGE, provium.pack("u64", 0) .. "drop_caches\0")
	assert_eq(0, status(vm).dirty)
	sh(vm, "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=4k skip=256 count=256 2>/dev/null | cmp - /tmp/data")
end)

case("the device and its module can be removed", function(vm)
	request(vm, REMOVE)
	vm:rmmod("dm_writeboost")
	assert(not vm:exec("test -e /dev/dm-0").ok)
end)
