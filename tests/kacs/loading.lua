-- SPDX-License-Identifier: GPL-2.0-only
-- kacs comes, answers on its numbers, and goes; and what is not there is not there.

local kacs = require "kacs"

local vm, test = kacs.boot()

test("a descriptor for the own token, by number", function()
	assert_eq(3, vm:syscall(1000, 0, 8))
	assert_eq(0, vm:syscall("close", 3))
end)

test("unknown flags are EINVAL", function()
	assert_eq(-22, vm:syscall(1000, 0xff, 0))
end)

test("by name, and through the binding", function()
	assert_eq(3, vm:syscall("kacs_open_self_token", 0, kacs.TOKEN_QUERY))
	assert_eq(4, vm.kacs:open_self_token(0, kacs.TOKEN_QUERY))
	kacs.close(vm, 3, 4)
end)

test("the descriptor is a token's, and close-on-exec", function()
	local fd = vm.kacs:open_self_token(0, 0)
	assert_eq(1, vm:syscall("fcntl", fd, 1, 0))
	local link = ("/proc/self/fd/%d\0"):format(fd)
	local n, _, name = vm:syscall_bufs("readlink", { [0] = link, [1] = ("\0"):rep(64) }, 0, 0, 64)
	assert_eq("anon_inode:[kacs-token]", name:sub(1, n))
	kacs.close(vm, fd)
end)

test("numbers of the range that nobody registered are ENOSYS", function()
	for _, nr in ipairs { 1002, 1024, 1063 } do assert_errno("ENOSYS", vm:syscall(nr, 0, 0)) end
end)

test("so are the numbers around it", function()
	for _, nr in ipairs { 999, 1064, 0x40000000 + 1000 } do assert_errno("ENOSYS", vm:syscall(nr, 0, 8)) end
end)

test("a second module with the same numbers is refused: EEXIST for the same name", function()
	assert_error(function() vm:insmod("kacs") end, "insmod kacs: EEXIST")
	assert_eq(3, vm:syscall(1000, 0, 8))
	kacs.close(vm, 3)
end)

test("the counters cannot be set, neither at load time nor after", function()
	assert_eq(false, vm:exec("echo 5 >/sys/module/kacs/parameters/tokens").ok)
	vm:rmmod("kacs")
	assert_error(function() vm:insmod("kacs", { tokens = 5 }) end, "insmod kacs: EPERM")
	vm:insmod("kacs")
end)

test("what is open is in use: rmmod is EAGAIN, and the token goes on", function()
	local fd = vm.kacs:open_self_token(0, kacs.TOKEN_QUERY)
	assert_error(function() vm:rmmod("kacs") end, "rmmod kacs: EAGAIN")
	assert_eq(kacs.SYSTEM, kacs.user_of(vm, fd))
	kacs.close(vm, fd)
end)

test("unloaded: ENOSYS; loaded again: there", function()
	vm:rmmod("kacs")
	assert_eq(-38, vm:syscall(1000, 0, 8))
	assert_eq(-38, vm:syscall(1023, 0))
	vm:insmod("kacs")
	assert_eq(3, vm:syscall(1000, 0, 8))
	kacs.close(vm, 3)
end)

test("unloading takes installed tokens along: everybody is SYSTEM again", function()
	local fd = kacs.create(vm, 77)
	assert_eq(0, vm.kacs:install_token(fd))
	kacs.close(vm, fd)
	assert_eq(kacs.user(77), kacs.whoami(vm))
	vm:rmmod("kacs")
	vm:insmod("kacs")
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
end)

test("fifty times in and out", function()
	for _ = 1, 50 do
		vm:rmmod("kacs")
		vm:insmod("kacs")
	end
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
end)
