-- SPDX-License-Identifier: GPL-2.0-only
-- A call that is blocked for good. What it cost of the guest's time goes to the
-- log.

local vm = provium.create():boot { memory = "128M" }

local function uptime() return tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+")) end

test("a system call", function()
	local ret, fds = vm:syscall("pipe2", provium.out(8), 0)
	assert_eq(0, ret)
	local before = uptime()
	local ok, err = pcall(vm.syscall, vm, "read", provium.unpack("i32", fds), provium.out(1), 1)
	log(("%.1f"):format(uptime() - before))
	if not ok then error(err, 0) end
	assert(true)
end)
