-- SPDX-License-Identifier: GPL-2.0-only
-- provium.const: the kernel's constants by name, with the values of x86-64.

local C = provium.const

test("constants of files have the kernel's values", function()
	assert_eq({ -100, 0x1000, 0x100, 0x200 },
		{ C.AT_FDCWD, C.AT_EMPTY_PATH, C.AT_SYMLINK_NOFOLLOW, C.AT_REMOVEDIR })
	assert_eq({ 0, 1, 2, 0x40, 0x80, 0x200 }, { C.O_RDONLY, C.O_WRONLY, C.O_RDWR, C.O_CREAT, C.O_EXCL, C.O_TRUNC })
	assert_eq({ 0x800, 0x10000, 0x80000, 0x200000 }, { C.O_NONBLOCK, C.O_DIRECTORY, C.O_CLOEXEC, C.O_PATH })
	assert_eq({ 0xf000, 0x8000, 0x4000, 0x800 }, { C.S_IFMT, C.S_IFREG, C.S_IFDIR, C.S_ISUID })
	assert_eq({ 0, 2, 1, 1030, 4 }, { C.SEEK_SET, C.SEEK_END, C.F_GETFD, C.F_DUPFD_CLOEXEC, C.R_OK })
	assert_eq({ 1, 4096, 2 }, { C.MS_RDONLY, C.MS_BIND, C.MNT_DETACH })
end)

test("constants of processes and memory have the kernel's values", function()
	assert_eq({ 9, 17, 32 }, { C.SIGKILL, C.SIGCHLD, C.SIGRTMIN })
	assert_eq({ 0x400, 0x20000, 0x80000000 }, { C.CLONE_FILES, C.CLONE_NEWNS, C.CLONE_IO })
	assert_eq({ 1, 0x40000000, 3 }, { C.WNOHANG, C.__WALL, C.P_PIDFD })
	assert_eq({ 0, 1, 2, 2, 0x20 }, { C.PROT_NONE, C.PROT_READ, C.PROT_WRITE, C.MAP_PRIVATE, C.MAP_ANONYMOUS })
	assert_eq({ 15, 38, 7, 0x50000 },
		{ C.PR_SET_NAME, C.PR_SET_NO_NEW_PRIVS, C.RLIMIT_NOFILE, C.SECCOMP_RET_ERRNO })
	assert_eq({ 12, 0, 129 }, { C.CAP_NET_ADMIN, C.FUTEX_WAIT, C.FUTEX_WAKE_PRIVATE })
end)

test("constants of sockets, polling and ioctls have the kernel's values", function()
	assert_eq({ 1, 2, 40 }, { C.AF_UNIX, C.AF_INET, C.AF_VSOCK })
	assert_eq({ 1, 2, 0x800 }, { C.SOCK_STREAM, C.SOCK_DGRAM, C.SOCK_NONBLOCK })
	assert_eq({ 1, 3, 1, 0x40 }, { C.SOL_SOCKET, C.SO_TYPE, C.SCM_RIGHTS, C.MSG_DONTWAIT })
	assert_eq({ 1, 1, 1, 0x80000000, 1 }, { C.POLLIN, C.EPOLLIN, C.EPOLL_CTL_ADD, C.EPOLLET, C.EFD_SEMAPHORE })
	assert_eq({ 0x5401, 0x541b, 0x80045430 }, { C.TCGETS, C.FIONREAD, C.TIOCGPTN })
end)

test("a constant whose value differs between libc and kernel has the kernel's value", function()
	assert_eq(0x8000, C.O_LARGEFILE)
end)

test("the error for an unknown constant proposes the constant of a similar name", function()
	local err = assert_error(function() return C.O_CRATE end)
	assert_eq("provium.const: there is no constant \"O_CRATE\"; did you mean \"O_CREAT\"?",
		(tostring(err):gsub("^.-:%d+: ", "")))
end)

test("the error for an unknown constant proposes nothing if no name is similar", function()
	local err = assert_error(function() return C.no_such_constant_at_all end)
	assert_eq("provium.const: there is no constant \"no_such_constant_at_all\"", (tostring(err):gsub("^.-:%d+: ", "")))
end)

test("a number as a constant's name is refused", function()
	assert_error(function() return C[1] end, "provium.const: expected a name, got number")
end)

test("setting an unknown constant is refused", function()
	assert_error(function() C.O_MINE = 1 end, "provium.const.O_MINE cannot be set")
end)

test("macros that are no integers are not among the constants", function()
	for _, name in ipairs { "SIG_IGN", "MAP_FAILED", "S_ISREG", "RENAME" } do
		assert_error(function() return C[name] end, "there is no constant \"" .. name .. "\"")
	end
end)

test("every constant is an integer with a name", function()
	local count = 0
	for name, value in pairs(C) do
		assert(type(name) == "string" and math.type(value) == "integer", name)
		count = count + 1
	end
	assert(count > 1500, count)
end)
