-- SPDX-License-Identifier: GPL-2.0-only
-- Every error in docs/kacs.md: each has a test, and each test is for an error
-- in the page.

local C = provium.const
local kacs = require "kacs"
local pack, unpack = provium.pack, provium.unpack

local vm, test = kacs.boot()

local CWD, NOWHERE, CLOSED = C.AT_FDCWD, 8, 999
local token, mute, pipe, revoked, user

-- Calls fn with a worker that cannot open another descriptor.
local function without_descriptors(fn)
	local w = vm:spawn()
	assert_eq(0, (w:syscall_bufs("prlimit64", { [2] = pack("u64 u64", 3, 3) }, 0, C.RLIMIT_NOFILE, 0, 0)))
	local ret = fn(w)
	w:kill()
	return ret
end

-- Returns the result of a wait_token that sleeps and is interrupted by SIGSTOP
-- and SIGCONT.
local function interrupted_sleeper()
	local w = vm:spawn()
	local call = w.kacs:async("wait_token", token, 0xffffffff)
	local function is(file, pattern)
		vm:wait_until(function()
			return vm:read_file(("/proc/%d/%s"):format(w.pid, file)):find(pattern)
		end, { interval = 0.005 })
	end
	is("syscall", "^1006 ")
	assert_eq(0, vm:syscall("kill", w.pid, C.SIGSTOP))
	is("stat", "%) T ")
	assert_eq(0, vm:syscall("kill", w.pid, C.SIGCONT))
	local ret = call:wait()
	w:kill()
	return ret
end

local function get(path, caller, dirfd, flags)
	return ((caller or vm).kacs:get_sd(dirfd or CWD, path, kacs.ALL, 64, flags))
end

local function set(path, caller, dirfd, sd)
	return ((caller or vm).kacs:set_sd(dirfd or CWD, path, kacs.DACL, sd or kacs.sd { dacl = {} }))
end

local function check(change, sd, fd)
	return (vm.kacs:access_check(kacs.check_args(fd or token, sd or kacs.sd {}, 1, change)))
end

-- Returns cases for the errors that a path causes in get_sd and set_sd, by
-- errno. fn(path, caller, dirfd) makes the call.
local function path_cases(fn)
	return {
		EBADF = function() return fn("file", nil, CLOSED) end,
		ENOENT = function() return fn("/tmp/none") end,
		ENOTDIR = function() return fn("/tmp/errors/x") end,
		EACCES = function() return fn("/root/closed/x", user) end,
		ELOOP = function() return fn("/tmp/loop") end,
		ENAMETOOLONG = function() return fn(("x"):rep(256)) end,
		EOPNOTSUPP = function() return fn("/proc/version") end,
		EIO = function() return fn("/tmp/rubbish") end,
	}
end

-- Cases by call and errno: a function whose result is that error.
local cases = {
	open_self_token = {
		EINVAL = function() return vm.kacs:open_self_token(0, 0x10) end,
		EMFILE = function() return without_descriptors(function(w) return w.kacs:open_self_token(0, 0) end) end,
	},
	open_process_token = {
		EINVAL = function() return vm.kacs:open_process_token(1, 0x80000000) end,
		ESRCH = function() return vm.kacs:open_process_token(0x7fffffff, 0) end,
		EACCES = function() return user.kacs:open_process_token(1, 0) end,
		EMFILE = function()
			return without_descriptors(function(w) return w.kacs:open_process_token(1, 0) end)
		end,
	},
	create_token = {
		EPERM = function() return user.kacs:create_token(kacs.spec(1)) end,
		E2BIG = function() return vm.kacs:create_token(("\0"):rep(65537)) end,
		EFAULT = function() return vm:syscall("kacs_create_token", NOWHERE, 8) end,
		EINVAL = function() return vm.kacs:create_token("") end,
		EMFILE = function()
			return without_descriptors(function(w) return w.kacs:create_token(kacs.spec(1)) end)
		end,
	},
	install_token = {
		EBADF = function() return vm.kacs:install_token(CLOSED) end,
		EINVAL = function() return vm.kacs:install_token(pipe) end,
		EACCES = function() return vm.kacs:install_token(mute) end,
		EKEYREVOKED = function() return vm.kacs:install_token(revoked) end,
	},
	revoke_token = {
		EBADF = function() return vm.kacs:revoke_token(-1) end,
		EINVAL = function() return vm.kacs:revoke_token(pipe) end,
		EACCES = function() return vm.kacs:revoke_token(mute) end,
		EPERM = function() return user.kacs:revoke_token(token) end,
	},
	wait_token = {
		EBADF = function() return vm.kacs:wait_token(CLOSED, 1) end,
		EINVAL = function() return vm.kacs:wait_token(pipe, 1) end,
		EACCES = function() return vm.kacs:wait_token(mute, 1) end,
		ETIMEDOUT = function() return vm.kacs:wait_token(token, 1) end,
		EINTR = interrupted_sleeper,
	},
	get_sd = path_cases(get),
	set_sd = path_cases(set),
	access_check = {
		EACCES = function() return check(nil, kacs.sd { dacl = {} }) end,
		EINVAL = function() return check { size = 23 } end,
		E2BIG = function() return check { len = 65537 } end,
		EFAULT = function() return check { len = 21 } end,
		EBADF = function() return check(nil, nil, CLOSED) end,
		EKEYREVOKED = function() return check(nil, nil, revoked) end,
	},
}
cases.get_sd.EINVAL = function() return (vm.kacs:get_sd(CWD, "/tmp/errors", 0, 0)) end
cases.get_sd.EFAULT = function() return vm:syscall("kacs_get_sd", CWD, NOWHERE, 1, 0, 0, 0) end
cases.get_sd.ENODATA = function() return get("/tmp") end
cases.set_sd.EINVAL = function() return (vm.kacs:set_sd(CWD, "/tmp/errors", 0x10, kacs.sd {})) end
cases.set_sd.E2BIG = function() return set("/tmp/errors", nil, nil, ("\0"):rep(65537)) end
cases.set_sd.EFAULT = function() return vm:syscall("kacs_set_sd", CWD, NOWHERE, 1, NOWHERE, 20, 0) end
cases.set_sd.EPERM = function() return set("/tmp/errors", user) end
cases.set_sd.EROFS = function() return set("/tmp/ro/file") end

-- --- the files and tokens of these cases ---

if test == _G.test then
	assert(vm:exec("mkdir -p /root/closed /tmp/ro; chmod 755 /root; chmod 700 /root/closed; echo >/tmp/errors;" ..
		"ln -s loop /tmp/loop; echo >/tmp/rubbish; mount -t tmpfs none /tmp/ro; echo >/tmp/ro/file; mount -o remount,ro /tmp/ro").ok)
	vm:syscall_bufs("setxattr", { [0] = "/tmp/rubbish\0", [1] = "security.kacs\0", [2] = "rubbish" }, 0, 0, 0, 7, 0)
	token, revoked = kacs.create(vm, 1), kacs.create(vm, 2)
	mute = vm.kacs:open_self_token(0, 0)
	pipe = unpack("i32", select(2, vm:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)))
	user = vm:spawn { uid = 1000 }
	vm.kacs:revoke_token(revoked)
end

-- --- one test for each error ---

local rows = vm.kacs and vm.kacs.rows or {}

for call, of_call in kacs.sorted(cases) do
	for errno, provoke in kacs.sorted(of_call) do
		test(("%s returns %s"):format(call, errno), function() assert_errno(errno, (provoke())) end)
	end
end

test("docs/kacs.md lists the errors that are tested here, and no others", function()
	for name, row in pairs(rows) do
		local there, promised = {}, table.move(row.errors, 1, #row.errors, 1, {})
		for errno in pairs(cases[name] or {}) do there[#there + 1] = errno end
		table.sort(there)
		table.sort(promised)
		assert_eq(promised, there, name)
	end
end)
