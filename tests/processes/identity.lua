-- SPDX-License-Identifier: GPL-2.0-only
-- Workers' credentials, and permission checks of several workers at once.

local C = provium.const
local unpack = provium.unpack

local vm = provium.create():boot()

local function open(target, path, flags)
	return target:syscall_buf("openat", 1, path .. "\0", C.AT_FDCWD, 0, flags or C.O_RDONLY, 0)
end

local function caps_of(target)
	local status = target:read_file(("/proc/self/task/%d/status"):format(target:syscall("gettid")))
	local set = {}
	for name, value in status:gmatch("Cap(%a+):%s+(%x+)") do set[name] = tonumber(value, 16) end
	return set
end

test("spawn gives a worker uid, gid and groups, and the executor keeps its own", function()
	for _, thread in ipairs { false, true } do
		local w = vm:spawn { uid = 1000, gid = 1001, groups = { 5, 6 }, thread = thread }
		for _, call in ipairs { "getuid", "geteuid" } do assert_eq(1000, w:syscall(call)) end
		for _, call in ipairs { "getgid", "getegid" } do assert_eq(1001, w:syscall(call)) end
		local n, groups = w:syscall_bufs("getgroups", { [1] = ("\0"):rep(16) }, 4, 0)
		assert_eq(2, n)
		assert_eq({ 5, 6 }, { unpack("u32 u32", groups) })
		assert_eq(0, vm:syscall("getuid"))
		w:kill()
	end
end)

test("spawn with an empty group list gives a worker no groups", function()
	vm:syscall_buf("setgroups", 1, ("I4"):pack(7), 1, 0)
	local w = vm:spawn { groups = {} }
	assert_eq(0, w:syscall("getgroups", 0, 0))
	assert_eq(1, vm:syscall("getgroups", 0, 0))
	assert_eq(0, vm:syscall("setgroups", 0, 0))
	w:kill()
end)

test("a thread worker has its own credentials and shares the executor's descriptors", function()
	local t = vm:spawn { thread = true }
	assert_eq(0, t:syscall("setresuid", 1000, 1000, 1000))
	assert_eq(1000, t:syscall("getuid"))
	assert_eq(0, vm:syscall("getuid"))
	vm:write_file("/tmp/secret", "x")
	vm:exec("chmod 600 /tmp/secret")
	assert_errno("EACCES", open(t, "/tmp/secret"))
	local fd = open(vm, "/tmp/secret")
	local ret, data = t:syscall_bufs("read", { [1] = "\0" }, fd, 0, 1)
	assert_eq(1, ret)
	assert_eq("x", data)
	vm:syscall("close", fd)
	t:kill()
end)

test("owner, group and others get different results of one permission check", function()
	vm:exec("echo x >/tmp/owned && chown 1000:2000 /tmp/owned && chmod 640 /tmp/owned")
	local owner = vm:spawn { uid = 1000, gid = 1000, groups = {} }
	local group = vm:spawn { uid = 1001, gid = 2000, groups = {} }
	local other = vm:spawn { uid = 1002, gid = 1002, groups = {} }
	assert(open(owner, "/tmp/owned", C.O_RDWR) >= 3)
	assert_errno("EACCES", open(group, "/tmp/owned", C.O_RDWR))
	assert(open(group, "/tmp/owned") >= 3)
	assert_errno("EACCES", open(other, "/tmp/owned"))
	for _, w in ipairs { owner, group, other } do w:kill() end
end)

test("spawn gives a worker and its commands the named capabilities and no others", function()
	for _, uid in ipairs { 0, 1000 } do
		local w = vm:spawn { uid = uid, gid = uid, caps = { "CAP_NET_ADMIN" } }
		local caps = caps_of(w)
		for _, set in ipairs { "Prm", "Eff", "Bnd" } do assert_eq(1 << C.CAP_NET_ADMIN, caps[set], set) end
		local run = w:exec("grep CapEff /proc/self/status").stdout
		assert_eq(1 << C.CAP_NET_ADMIN, tonumber(run:match("(%x+)%s*$"), 16))
		w:kill()
	end
end)

test("a root worker without capabilities is refused sethostname and chroot", function()
	local w = vm:spawn { caps = {} }
	assert_eq(0, w:syscall("getuid"))
	assert_errno("EPERM", w:syscall_buf("sethostname", 0, "x", 0, 1))
	assert_errno("EPERM", w:syscall_buf("chroot", 0, "/tmp\0", 0))
	assert_ne(0, w:exec("hostname x").exit_code)
	assert_eq(caps_of(vm).Eff, caps_of(vm).Bnd)
	w:kill()
end)

test("spawn takes capabilities by number, by short name and by full name", function()
	local w = vm:spawn { uid = 1000, caps = { C.CAP_SYS_ADMIN, "sys_chroot", "CAP_CHOWN" } }
	assert_eq(1 << C.CAP_SYS_ADMIN | 1 << C.CAP_SYS_CHROOT | 1 << C.CAP_CHOWN, caps_of(w).Eff)
	assert_eq(0, w:syscall_buf("chroot", 0, "/tmp\0", 0))
	w:kill()
end)

test("spawn with no_new_privs sets the flag for the worker only", function()
	local w = vm:spawn { no_new_privs = true }
	assert_eq(1, w:syscall("prctl", C.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
	assert_eq(0, vm:syscall("prctl", C.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
	w:kill()
end)

test("the error of spawn for credentials that cannot be set names the failed step", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	local err = assert_error(function() vm:spawn { uid = 0 } end, "spawn: uid: setresuid: EPERM")
	assert_eq("EPERM", err.errno)
	assert_error(function() vm:spawn { groups = { 1 } } end, "spawn: groups: setgroups: EPERM")
	-- A worker starts with the credentials that the executor has when it
	-- spawns.
	local w = vm:spawn()
	assert_eq(1000, w:syscall("getuid"))
	w:kill()
	pcall(vm.syscall, vm, "exit_group", 0)
	assert_eq(0, vm:syscall("getuid"))
end)
