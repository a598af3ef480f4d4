-- SPDX-License-Identifier: GPL-2.0-only
-- A guest that panics, resets or powers off: every call raises that at once.

local now = require "provium.core".now

local function boot(opts) return provium.create():boot(opts) end

-- Returns the seconds that fn took, and the error that it raised.
local function timed(fn)
	local start = now()
	local err = assert_error(fn)
	return now() - start, err
end

-- Time limits grow with the machine's slowness, so this limit grows as well.
local function assert_within(limit, vm, seconds)
	assert(seconds < limit * vm.core:info().slowness, ("the call took %.2f s"):format(seconds))
end

test("a panic ends the call in flight within a second, with the console's end", { expect_panic = true }, function()
	local vm = boot()
	local seconds, err = timed(function() vm:exec("echo c > /proc/sysrq-trigger") end)
	assert_contains(err.message, "exec \"echo c > /proc/sysrq-trigger\": the guest panicked: ")
	assert_contains(err.message, "Kernel panic - not syncing: sysrq triggered crash; console ends:")
	-- The shown part of the console begins at the panic's first line,
	-- however long the report is.
	local shown = err.message:match("; console ends:(.*)")
	assert_contains(shown, "Kernel panic - not syncing: sysrq triggered crash")
	assert_contains(shown, "Call Trace:")
	assert_contains(err.message, "RIP: ")
	assert_eq("guest", err.kind)
	assert_eq(true, err.broken)
	assert_within(1, vm, seconds)
end)

test("every call after a panic raises the panic at once", { expect_panic = true }, function()
	local vm = boot()
	assert_error(function() vm:exec("echo c > /proc/sysrq-trigger") end, "Kernel panic")
	local calls = {
		function() vm:syscall("getpid") end, function() vm:ioctl(0, provium.const.TCGETS) end,
		function() vm:read_file("/proc/version") end, function() vm:write_file("/tmp/x", "") end,
		function() vm:exec("true") end, function() vm:json("echo 1") end,
		function() vm:dmesg() end, function() vm:insmod("echo") end, function() vm:mount_vfs() end,
	}
	for _, fn in ipairs(calls) do
		local seconds, err = timed(fn)
		assert_contains(err.message, "Kernel panic - not syncing: sysrq triggered crash")
		assert_within(0.05, vm, seconds)
	end
	vm:shutdown()		-- no error, because the VM has ended
	vm:kill()
end)

test("a panic ends wait_until", { expect_panic = true }, function()
	local vm = boot()
	local seconds = timed(function()
		vm:exec("(usleep 100000; echo c > /proc/sysrq-trigger) >/dev/null 2>&1 &")
		vm:wait_until(function() return vm:exec("test -e /none").ok end, { timeout = 60, interval = 0.01 })
	end)
	assert_within(5, vm, seconds)
end)

test("a guest's kill -9 1 does not end the agent", function()
	local vm = boot()
	vm:exec("kill -9 1")
	assert_eq("agent\n", vm:read_file("/proc/1/comm"))
	vm:kill()
end)

test("a reset of the guest is reported as a reset, not as a panic", { expect_reset = true }, function()
	local vm = boot()
	local seconds, err = timed(function() vm:exec("echo b > /proc/sysrq-trigger") end)
	assert_contains(err.message, "the guest reset or powered off; console ends:")
	assert_within(1, vm, seconds)
end)

test("the reboot system call is reported as a reset", { expect_reset = true }, function()
	local vm = boot()
	local C = provium.const
	assert_error(function()
		vm:syscall("reboot", C.LINUX_REBOOT_MAGIC1, C.LINUX_REBOOT_MAGIC2, C.LINUX_REBOOT_CMD_RESTART, 0)
	end, "the guest reset or powered off")
	assert_error(function() vm:syscall("getpid") end, "the guest reset or powered off")
end)

test("a panic of one VM does not affect another", { expect_panic = true }, function()
	local lost, kept = boot { memory = "128M" }, boot { memory = "128M" }
	assert_error(function() lost:exec("echo c > /proc/sysrq-trigger") end, "Kernel panic")
	assert(kept:exec("true").ok)
	kept:shutdown()
end)
