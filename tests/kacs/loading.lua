-- SPDX-License-Identifier: GPL-2.0-only
-- Loading and unloading kacs: its calls exist only while it is loaded.

local kacs = require "kacs"

local vm, test = kacs.boot()

test("open_self_token by its number returns a descriptor", function()
	assert_eq(3, vm:syscall(1000, 0, 8))
	assert_eq(0, vm:syscall("close", 3))
end)

test("open_self_token with unknown flags returns EINVAL", function()
	assert_errno("EINVAL", vm:syscall(1000, 0xff, 0))
end)

test("open_self_token by its name and through vm.kacs returns descriptors", function()
	assert_eq(3, vm:syscall("kacs_open_self_token", 0, kacs.TOKEN_QUERY))
	assert_eq(4, vm.kacs:open_self_token(0, kacs.TOKEN_QUERY))
	kacs.close(vm, 3, 4)
end)

test("a token's descriptor is named kacs-token and close-on-exec", function()
	local fd = vm.kacs:open_self_token(0, 0)
	assert_eq(provium.const.FD_CLOEXEC, vm:syscall("fcntl", fd, provium.const.F_GETFD, 0))
	local link = ("/proc/self/fd/%d\0"):format(fd)
	local n, _, name = vm:syscall_bufs("readlink", { [0] = link, [1] = ("\0"):rep(64) }, 0, 0, 64)
	assert_eq("anon_inode:[kacs-token]", name:sub(1, n))
	kacs.close(vm, fd)
end)

test("a system call number of the modules' range without a handler returns ENOSYS", function()
	for _, nr in ipairs { 1002, 1024, 1063 } do assert_errno("ENOSYS", vm:syscall(nr, 0, 0)) end
end)

test("a system call number outside the modules' range returns ENOSYS", function()
	for _, nr in ipairs { 999, 1064, 0x40000000 + 1000 } do assert_errno("ENOSYS", vm:syscall(nr, 0, 8)) end
end)

test("a second insmod of kacs is refused with EEXIST, and the calls still work", function()
	assert_error(function() vm:insmod("kacs") end, "insmod kacs: EEXIST")
	assert_eq(3, vm:syscall(1000, 0, 8))
	kacs.close(vm, 3)
end)

test("the counters of kacs cannot be set, neither by insmod nor in /sys", function()
	assert_eq(false, vm:exec("echo 5 >/sys/module/kacs/parameters/tokens").ok)
	vm:rmmod("kacs")
	assert_error(function() vm:insmod("kacs", { tokens = 5 }) end, "insmod kacs: EPERM")
	vm:insmod("kacs")
end)

test("rmmod of kacs with an open token fails with EAGAIN, and the token works on", function()
	local fd = vm.kacs:open_self_token(0, kacs.TOKEN_QUERY)
	assert_error(function() vm:rmmod("kacs") end, "rmmod kacs: EAGAIN")
	assert_eq(kacs.SYSTEM, kacs.user_of(vm, fd))
	kacs.close(vm, fd)
end)

test("calls return ENOSYS after rmmod, and work after another insmod", function()
	vm:rmmod("kacs")
	assert_errno("ENOSYS", vm:syscall(1000, 0, 8))
	assert_errno("ENOSYS", vm:syscall(1023, 0))
	vm:insmod("kacs")
	assert_eq(3, vm:syscall(1000, 0, 8))
	kacs.close(vm, 3)
end)

test("rmmod removes installed tokens: every task is SYSTEM after another insmod", function()
	local fd = kacs.create(vm, 77)
	assert_eq(0, vm.kacs:install_token(fd))
	kacs.close(vm, fd)
	assert_eq(kacs.user(77), kacs.whoami(vm))
	vm:rmmod("kacs")
	vm:insmod("kacs")
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
end)

test("kacs can be loaded and unloaded fifty times", function()
	for _ = 1, 50 do
		vm:rmmod("kacs")
		vm:insmod("kacs")
	end
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
end)
