-- SPDX-License-Identifier: GPL-2.0-only
-- read_file() and write_file(): whole files of any size, in any file system.

local vm = provium.create():boot()

-- Returns bytes that do not repeat, so that a chunk at the wrong place is
-- noticed.
local function bytes(n)
	local out, x = {}, 12345
	for i = 1, (n + 7) // 8 do
		x = x * 6364136223846793005 + 1442695040888963407
		out[i] = string.pack("<i8", x)
	end
	return table.concat(out):sub(1, n)
end

for _, size in ipairs { 0, 1, 4095, 4096, 4097, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20 } do
	test(("a file of %d bytes is written and read back unchanged"):format(size), function()
		local data = bytes(size)
		vm:write_file("/tmp/file", data)
		assert_eq(size, vm:json("stat -c '%s' /tmp/file"))
		assert(vm:read_file("/tmp/file") == data, "the bytes differ")
	end)
end

test("a file of 3 MiB has the right checksum in the guest", function()
	local data = bytes(3 << 20)
	vm:write_file("/tmp/file", data)
	assert_eq("8fedc17f5899d3a49d5bd62b789adf2e", vm:exec("md5sum /tmp/file").stdout:match("%x+"))
end)

test("write_file replaces the content of a longer file", function()
	vm:write_file("/tmp/short", ("long"):rep(1000))
	vm:write_file("/tmp/short", "short")
	assert_eq("short", vm:read_file("/tmp/short"))
end)

test("a path can have blanks, quotes and letters of any alphabet", function()
	local path = "/tmp/a \"name\" of $many ñàмé🙂"
	vm:write_file(path, "found")
	assert_eq("found", vm:read_file(path))
end)

test("read_file reads a file of /proc without a size to its end", function()
	assert_contains(vm:read_file("/proc/kallsyms"), " T start_kernel\n")
end)

test("read_file reads a value of sysfs", function()
	assert_eq("0\n", vm:read_file("/sys/devices/system/cpu/online"))
end)

test("write_file sets a sysctl", function()
	vm:write_file("/proc/sys/kernel/hostname", "under-test")
	assert_eq("under-test", vm:exec("hostname").stdout.trim())
end)

test("read_file of a missing file raises ENOENT with the path", function()
	local err = assert_error(function() vm:read_file("/tmp/none") end, "read_file /tmp/none: ENOENT")
	assert_eq("ENOENT", err.errno)
end)

test("read_file of a folder raises EISDIR", function()
	assert_error(function() vm:read_file("/tmp") end, "read_file /tmp: EISDIR")
end)

test("read_file raises EIO if a read fails after the file was opened", function()
	assert_error(function() vm:read_file("/proc/self/mem") end, "read_file /proc/self/mem: EIO")
end)

test("write_file into a missing folder raises ENOENT", function()
	assert_error(function() vm:write_file("/none/file", "x") end, "write_file /none/file: ENOENT")
end)

test("write_file below a file raises ENOTDIR", function()
	vm:write_file("/tmp/plain", "")
	assert_error(function() vm:write_file("/tmp/plain/file", "x") end, "write_file /tmp/plain/file: ENOTDIR")
end)

test("write_file to a folder raises EISDIR", function()
	assert_error(function() vm:write_file("/tmp", "x") end, "write_file /tmp: EISDIR")
end)

test("write_file to a full device raises ENOSPC", function()
	assert_error(function() vm:write_file("/dev/full", "x") end, "write_file /dev/full: ENOSPC")
end)

test("write_file to a file system that fills up midway raises ENOSPC", function()
	assert(vm:exec("mkdir -p /mnt/small && mount -t tmpfs -o size=1536k small /mnt/small").ok)
	assert_error(function() vm:write_file("/mnt/small/file", bytes(2 << 20)) end, "write_file /mnt/small/file: ENOSPC")
	vm:exec("umount /mnt/small")
end)

test("write_file to a read-only file system raises EROFS", function()
	assert(vm:exec("mkdir -p /mnt/ro && mount -t tmpfs -o ro none /mnt/ro").ok)
	assert_error(function() vm:write_file("/mnt/ro/file", "x") end, "write_file /mnt/ro/file: EROFS")
	vm:exec("umount /mnt/ro")
end)

test("write_file of a value that a sysctl refuses raises EINVAL", function()
	assert_error(function() vm:write_file("/proc/sys/kernel/panic_on_oops", "many") end, "panic_on_oops: EINVAL")
end)

test("read_file of a path with a zero byte raises EINVAL", function()
	assert_error(function() vm:read_file("/tmp/a\0b") end, "EINVAL")
end)

test("read_file and write_file refuse a path or data that is no string", function()
	assert_error(function() vm:read_file(nil) end, "read_file: path: expected a string, got nil")
	assert_error(function() vm:write_file("/tmp/x", 42) end, "write_file: data: expected a string, got number")
end)

test("the tests of this file leave no descriptor open", function()
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 3))
end)
