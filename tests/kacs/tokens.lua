-- SPDX-License-Identifier: GPL-2.0-only
-- Tokens: their contents, the rights of their descriptors, and the tasks that
-- have them.

local C = provium.const
local kacs = require "kacs"
local pack, unpack = provium.pack, provium.unpack

local vm, test = kacs.boot()

local STAFF, GUESTS = "S-1-5-21-1-2-3-1000", "S-1-5-32-546"
local GROUPS = { { STAFF, kacs.GROUP_ENABLED | kacs.GROUP_MANDATORY }, { GUESTS, kacs.GROUP_DENY_ONLY } }

-- --- the first task ---

test("the first task's token is SYSTEM's", function()
	assert_eq("S-1-5-18", kacs.whoami(vm))
end)

test("SYSTEM's token has the groups Administrators and Everyone", function()
	local fd = vm.kacs:open_self_token(0, kacs.TOKEN_QUERY)
	assert_eq(kacs.groups { { kacs.ADMINISTRATORS, 0xf }, { kacs.EVERYONE, 0x7 } },
		kacs.query(vm, fd, kacs.QUERY_GROUPS))
	kacs.close(vm, fd)
end)

-- --- QUERY in two steps ---

local fd = vm.kacs and kacs.create(vm, 1000, GROUPS)

test("the ioctl QUERY with a buffer size of 0 returns 0 and the length of the data", function()
	local ret, len = kacs.query_once(vm, fd, kacs.QUERY_USER, 0)
	assert_eq(0, ret)
	assert_eq(16, len)
end)

test("the ioctl QUERY with a buffer of exactly the length returns the data", function()
	local ret, len, sid = kacs.query_once(vm, fd, kacs.QUERY_USER, 16)
	assert_eq({ 0, 16 }, { ret, len })
	assert_eq("S-1-22-1-1000", kacs.sid_text(sid))
end)

test("the ioctl QUERY with too small a buffer returns ERANGE with the length, no data", function()
	local ret, len, data = kacs.query_once(vm, fd, kacs.QUERY_USER, 15)
	assert_errno("ERANGE", ret)
	assert_eq(16, len)
	assert_eq(("\0"):rep(15), data)
end)

test("the ioctl QUERY with too large a buffer returns the length, and no more data", function()
	local ret, len, data = kacs.query_once(vm, fd, kacs.QUERY_TYPE, 9)
	assert_eq({ 0, 4 }, { ret, len })
	assert_eq(pack("u32 x5", 1), data)
end)

test("the ioctl QUERY of a new token's type returns TokenPrimary", function()
	assert_eq(pack("u32", 1), kacs.query(vm, fd, kacs.QUERY_TYPE))
end)

test("QUERY of the groups returns the groups that create_token got", function()
	assert_eq(kacs.groups(GROUPS), kacs.query(vm, fd, kacs.QUERY_GROUPS))
end)

test("QUERY of the statistics returns origin, groups, tasks and revocation", function()
	local s = kacs.statistics(vm, fd)
	assert(s.id > 0)
	s.id = nil
	assert_eq({ origin = 0, type = 1, groups = 2, tasks = 0, revoked = 0 }, s)
end)

test("two tokens have different ids", function()
	local other = kacs.create(vm, 1000)
	assert_ne(kacs.statistics(vm, fd).id, kacs.statistics(vm, other).id)
	kacs.close(vm, other)
end)

test("the ioctl QUERY of an unknown information class returns EINVAL", function()
	for _, class in ipairs { 0, 5, 0xffffffff } do assert_errno("EINVAL", (kacs.query_once(vm, fd, class, 0))) end
end)

test("QUERY with an invalid address returns EFAULT", function()
	assert_errno("EFAULT", vm:syscall("ioctl", fd, kacs.QUERY, 8))
	assert_errno("EFAULT", (vm:ioctl(fd, kacs.QUERY, pack("u32 u32 u64", kacs.QUERY_USER, 16, 8))))
end)

test("QUERY with a buffer shorter than its length returns EFAULT", function()
	assert_errno("EFAULT", (vm:ioctl_buf(fd, kacs.QUERY, pack("u32 u32 u64", kacs.QUERY_USER, 16, 0),
		{ { ptr_offset = 8, buf_len = 15 } })))
end)

test("an unknown ioctl of a token, or a known one with another size, returns ENOTTY", function()
	assert_errno("ENOTTY", (vm:ioctl(fd, provium.IOWR("K", 9, 16), "")))
	assert_errno("ENOTTY", (vm:ioctl(fd, provium.IOWR("K", 0, 24), "")))
end)

-- --- rights of a descriptor ---

test("a token's descriptor without the right QUERY refuses QUERY, MEMBERS and CHECK", function()
	local mute = vm.kacs:open_self_token(0, kacs.TOKEN_ALL & ~kacs.TOKEN_QUERY)
	for _, cmd in ipairs { kacs.QUERY, kacs.MEMBERS, kacs.CHECK } do
		assert_errno("EACCES", (vm:ioctl(mute, cmd, "")))
	end
	kacs.close(vm, mute)
end)

test("a token can be opened without any right, and that descriptor refuses every use", function()
	local none = vm.kacs:open_self_token(0, 0)
	assert_errno("EACCES", (kacs.query_once(vm, none, kacs.QUERY_USER, 0)))
	assert_errno("EACCES", vm.kacs:install_token(none))
	assert_errno("EACCES", vm.kacs:revoke_token(none))
	kacs.close(vm, none)
end)

test("a token can be installed by a descriptor with the right ASSIGN or IMPERSONATE", function()
	for _, access in ipairs { kacs.TOKEN_ASSIGN, kacs.TOKEN_IMPERSONATE } do
		local self = vm.kacs:open_self_token(0, access)
		assert_eq(0, vm.kacs:install_token(self))
		kacs.close(vm, self)
	end
end)

test("install_token and revoke_token of a pipe return EINVAL", function()
	local _, fds = vm:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
	local reader, writer = unpack("i32 i32", fds)
	for _, call in ipairs { "install_token", "revoke_token" } do
		assert_errno("EINVAL", vm.kacs[call](vm.kacs, reader))
	end
	kacs.close(vm, reader, writer)
end)

-- --- MEMBERS: two pointers in a struct ---

local function members(sids, room, opts)
	opts = opts or {}
	local list = {}
	for i, sid in ipairs(sids) do list[i] = kacs.sid(sid) end
	list = table.concat(list)
	local ret, args, out = vm:ioctl_buf(opts.fd or fd, kacs.MEMBERS, pack("u32 u32 x16", opts.len or #list, room), {
		{ ptr_offset = 8, buf_len = #list, data = list },
		{ ptr_offset = 16, buf_len = room, output = true },
	})
	return ret, unpack("u32", args, 4), out
end

test("MEMBERS tells the user, Everyone, a group, a deny-only group and others apart", function()
	local ret, len, out = members({ "S-1-22-1-1000", kacs.EVERYONE, STAFF, GUESTS, kacs.SYSTEM }, 20)
	assert_eq({ 0, 20 }, { ret, len })
	assert_eq({ 2, 2, 2, 1, 0 }, { unpack("u32 u32 u32 u32 u32", out) })
end)

test("MEMBERS leaves out a group that is neither enabled nor deny-only", function()
	local off = kacs.create(vm, 1, { { STAFF, kacs.GROUP_MANDATORY } })
	local _, _, out = members({ STAFF }, 4, { fd = off })
	assert_eq(kacs.MEMBER_NO, (unpack("u32", out)))
	kacs.close(vm, off)
end)

test("the ioctl MEMBERS uses the enabled entry of a group that the token lists twice", function()
	local twice = kacs.create(vm, 1, { { STAFF, kacs.GROUP_DENY_ONLY }, { STAFF, kacs.GROUP_ENABLED } })
	local _, _, out = members({ STAFF }, 4, { fd = twice })
	assert_eq(kacs.MEMBER_YES, (unpack("u32", out)))
	kacs.close(vm, twice)
end)

test("the ioctl MEMBERS with too small a buffer returns ERANGE with the length, no data", function()
	local ret, len, out = members({ STAFF, GUESTS }, 7)
	assert_errno("ERANGE", ret)
	assert_eq(8, len)
	assert_eq(("\0"):rep(7), out)
end)

test("the ioctl MEMBERS without SIDs returns 0 bytes", function()
	local ret, len = members({}, 0)
	assert_eq({ 0, 0 }, { ret, len })
end)

test("MEMBERS with a truncated or malformed SID returns EINVAL", function()
	assert_errno("EINVAL", (members({ STAFF .. "" }, 8, { len = 27 })))
	assert_errno("EINVAL", (members({ "\2\0\0\0\0\0\0\1" }, 8)))
	assert_errno("EINVAL", (members({ "\1\16\0\0\0\0\0\1" .. ("\0"):rep(64) }, 8)))
end)

test("MEMBERS returns E2BIG for more than 64 KiB, and EFAULT for an invalid address", function()
	assert_errno("E2BIG", (members({}, 0, { len = 65537 })))
	assert_errno("EFAULT", (members({ STAFF }, 4, { len = 29 })))
	assert_errno("EFAULT", (vm:ioctl_buf(fd, kacs.MEMBERS, pack("u32 u32 u64 u64", 12, 4, 0, 8),
		{ { ptr_offset = 8, buf_len = 12, data = kacs.sid(kacs.SYSTEM) } })))
end)

-- --- create_token ---

local function create(spec) return (vm.kacs:create_token(spec)) end

test("create_token without groups makes a token with none", function()
	for _, spec in ipairs { kacs.spec(5), kacs.spec(5, {}) } do
		local new = create(spec)
		assert(new >= 3)
		assert_eq(kacs.groups {}, kacs.query(vm, new, kacs.QUERY_GROUPS))
		kacs.close(vm, new)
	end
end)

test("create_token takes 1024 groups, and returns EINVAL for one more", function()
	local list = {}
	for i = 1, kacs.MAX_GROUPS do list[i] = { "S-1-5-" .. i } end
	local new = create(kacs.spec(1, list))
	assert_eq(kacs.groups(list), kacs.query(vm, new, kacs.QUERY_GROUPS))
	kacs.close(vm, new)
	list[#list + 1] = { kacs.SYSTEM }
	assert_errno("EINVAL", create(kacs.spec(1, list)))
end)

local group = pack("u32 u32", kacs.GROUP_ENABLED, 12) .. kacs.sid(kacs.SYSTEM)
local head = pack("u32 u32", 1, 1)
local malformed = {
	["an empty spec"] = "", ["a version and nothing else"] = pack("u32", 1), ["version 0"] = pack("u32 u32", 0, 1),
	["version 2"] = pack("u32 u32", 2, 1), ["half a count"] = head .. "\1\0", ["a count but no group"] = head .. pack("u32", 1),
	["a byte after the last group"] = head .. pack("u32", 1) .. group .. "\0", ["a count below the number of groups"] = head .. pack("u32", 0) .. group,
	["unknown group flags"] = head .. pack("u32 u32 u32", 1, 0x20, 12) .. kacs.sid(kacs.SYSTEM),
	["a length beyond the end"] = head .. pack("u32 u32 u32", 1, 4, 13) .. kacs.sid(kacs.SYSTEM),
	["a length that wraps around"] = head .. pack("u32 u32 u32", 1, 4, 0xffffffff) .. kacs.sid(kacs.SYSTEM),
	["a length that is not the SID's"] = head .. pack("u32 u32 u32", 1, 4, 11) .. kacs.sid(kacs.SYSTEM),
	["a SID of revision 2"] = head .. pack("u32 u32 u32", 1, 4, 8) .. "\2\0\0\0\0\0\0\1",
	["a SID with 16 parts"] = head .. pack("u32 u32 u32", 1, 4, 72) .. "\1\16\0\0\0\0\0\1" .. ("\0"):rep(64),
	["a count that wraps around"] = head .. pack("u32", 0xffffffff) .. group,
}
for what, spec in kacs.sorted(malformed) do
	test("create_token with " .. what .. " returns EINVAL", function() assert_errno("EINVAL", create(spec)) end)
end

test("a create_token that fails leaves no token", function()
	assert_errno("EINVAL", create(""))
	assert_eq(1, kacs.counts(vm).tokens)
end)

-- --- install_token ---

-- Installs the token of the first task again.
local function back_to_system()
	local system = vm.kacs:open_process_token(1, kacs.TOKEN_ASSIGN)
	assert_eq(0, vm.kacs:install_token(system))
	kacs.close(vm, system)
end

test("install_token gives the token to the task and its later children", function()
	local new = kacs.create(vm, 42)
	assert_eq(0, vm.kacs:install_token(new))
	assert_eq(kacs.user(42), kacs.whoami(vm))
	assert_eq(1, kacs.statistics(vm, new).tasks)
	-- The shell is a child of the task, and sleep is a child of the shell.
	assert(vm:exec("sleep 1000 & echo $!").ok)
	local s = kacs.statistics(vm, new)
	assert_eq(2, s.tasks)
	assert_eq(s.tasks, kacs.counts(vm).tasks)
	assert(vm:exec("kill $(pidof sleep)").ok)
	wait_until(function() return kacs.statistics(vm, new).tasks == 1 end, { interval = 0.01, desc = "sleep's end" })
	back_to_system()
	kacs.close(vm, new)
end)

test("install_token of the first task's token makes the task SYSTEM again", function()
	local new = kacs.create(vm, 42)
	assert_eq(0, vm.kacs:install_token(new))
	kacs.close(vm, new)
	local mine = vm.kacs:open_process_token(1, kacs.TOKEN_ASSIGN)
	assert_eq(0, vm.kacs:install_token(mine))
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
	assert_eq(0, kacs.counts(vm).tasks)
	kacs.close(vm, mine)
end)

test("a token lives as long as a descriptor or a task has it", function()
	local before = kacs.counts(vm).tokens
	local new = kacs.create(vm, 43)
	assert_eq(before + 1, kacs.counts(vm).tokens)
	vm.kacs:install_token(new)
	kacs.close(vm, new)
	assert_eq(before + 1, kacs.counts(vm).tokens)
	assert_eq(kacs.user(43), kacs.whoami(vm))
	back_to_system()
	assert_eq(before, kacs.counts(vm).tokens)
end)

test("a task that ends releases its token", function()
	local before = kacs.counts(vm)
	local new = kacs.create(vm, 44)
	local w = vm:spawn()
	assert_eq(0, w.kacs:install_token(new))
	kacs.close(w, new)
	kacs.close(vm, new)
	assert_eq(before.tokens + 1, kacs.counts(vm).tokens)
	w:kill()
	wait_until(function()
		return kacs.counts(vm).tokens == before.tokens
	end, { interval = 0.01, desc = "the token's end" })
	assert_eq(before, kacs.counts(vm))
end)

test("threads have tokens of their own, and share descriptors", function()
	local new = kacs.create(vm, 45)
	local w = vm:spawn { thread = true }
	assert_eq(0, w.kacs:install_token(new))
	assert_eq(kacs.user(45), kacs.whoami(w))
	assert_eq(kacs.SYSTEM, kacs.whoami(vm))
	w:kill()
	kacs.close(vm, new)
end)

test("a child keeps the token that its parent had at the fork", function()
	local new = kacs.create(vm, 46)
	local parent = vm:spawn()
	parent.kacs:install_token(new)
	local pid = tonumber(parent:exec("sleep 1000 >/dev/null 2>&1 & echo $!").stdout.trim())
	local system = parent.kacs:open_process_token(1, kacs.TOKEN_ASSIGN)
	parent.kacs:install_token(system)
	local theirs = vm.kacs:open_process_token(pid, kacs.TOKEN_QUERY)
	assert_eq(kacs.user(46), kacs.user_of(vm, theirs))
	assert_eq(kacs.SYSTEM, kacs.whoami(parent))
	vm:exec("kill " .. pid)
	parent:kill()
	kacs.close(vm, new, theirs)
end)

test("a task keeps its token over an execve", function()
	local new = kacs.create(vm, 47)
	local w = vm:spawn()
	w.kacs:install_token(new)
	local pid = tonumber(w:exec("sleep 1000 >/dev/null 2>&1 & echo $!").stdout.trim())
	wait_until(function() return vm:read_file(("/proc/%d/comm"):format(pid)) == "sleep\n" end, { interval = 0.01 })
	local theirs = vm.kacs:open_process_token(pid, kacs.TOKEN_QUERY)
	assert_eq(kacs.user(47), kacs.user_of(vm, theirs))
	vm:exec("kill " .. pid)
	w:kill()
	kacs.close(vm, new, theirs)
end)

test("a task that is not root can install a token that it can open", function()
	local w = vm:spawn { uid = 1000 }
	assert_eq(kacs.SYSTEM, kacs.whoami(w))
	local self = w.kacs:open_self_token(0, kacs.TOKEN_ALL)
	assert_eq(0, w.kacs:install_token(self))
	w:kill()
end)

-- --- another task's token ---

test("open_process_token of a process of the same user returns a descriptor", function()
	local a, b = vm:spawn { uid = 1000 }, vm:spawn { uid = 1000 }
	local theirs = a.kacs:open_process_token(b.pid, kacs.TOKEN_QUERY)
	assert(theirs >= 3, theirs)
	assert_eq(kacs.SYSTEM, kacs.user_of(a, theirs))
	a:kill()
	b:kill()
end)

test("open_process_token needs the same user or CAP_SYS_PTRACE", function()
	local w = vm:spawn { uid = 1000 }
	local stranger = vm:spawn { uid = 1001 }
	local tracer = vm:spawn { uid = 1001, caps = { "CAP_SYS_PTRACE" } }
	local friend = vm:spawn { uid = 1000 }
	assert_errno("EACCES", (stranger.kacs:open_process_token(w.pid, kacs.TOKEN_QUERY)))
	assert(tracer.kacs:open_process_token(w.pid, kacs.TOKEN_QUERY) >= 3)
	assert(friend.kacs:open_process_token(w.pid, kacs.TOKEN_QUERY) >= 3)
	for _, one in ipairs { w, stranger, tracer, friend } do one:kill() end
end)

test("open_process_token of a zombie returns ESRCH", function()
	local w = vm:spawn()
	local pid = w:syscall("fork")	-- ends at once, and is not reaped yet
	vm:wait_until(function()
		return vm:read_file(("/proc/%d/stat"):format(pid)):find(") Z ", 1, true)
	end, { interval = 0.005 })
	assert_errno("ESRCH", (vm.kacs:open_process_token(pid, 0)))
	assert_eq(pid, w:syscall("wait4", pid, 0, 0, 0))
	assert_errno("ESRCH", (vm.kacs:open_process_token(pid, 0)))
	w:kill()
end)

test("open_process_token of a pid without a process returns ESRCH", function()
	for _, pid in ipairs { 0, -1, 0x7fffffff, -0x80000000 } do
		assert_errno("ESRCH", (vm.kacs:open_process_token(pid, 0)))
	end
end)

test("a thousand children with a token release it when they end", function()
	local new = kacs.create(vm, 48)
	local w = vm:spawn()
	w.kacs:install_token(new)
	kacs.close(w, new)
	for _ = 1, 10 do
		local results = w:batch(function(b)
			for _ = 1, 100 do
				b:syscall("fork")
				b:syscall("wait4", -1, 0, 0, 0)
			end
		end)
		for _, result in ipairs(results) do assert(result[1] > 0, result[1]) end
	end
	vm:wait_until(function() return kacs.statistics(vm, new).tasks == 1 end, { interval = 0.01 })
	w:kill()
	kacs.close(vm, new)
end)

-- --- revoke_token: an operation of the owner ---

test("a revoked token cannot be installed, duplicated or checked", function()
	local new = kacs.create(vm, 50)
	assert_eq(0, vm.kacs:revoke_token(new))
	assert_eq(1, kacs.statistics(vm, new).revoked)
	assert_errno("EKEYREVOKED", vm.kacs:install_token(new))
	assert_errno("EKEYREVOKED", (vm:ioctl(new, kacs.DUPLICATE, pack("u32 u32", 8, 0))))
	assert_errno("EKEYREVOKED", kacs.check(vm, new, kacs.sd {}, 1))
	assert_eq(kacs.user(50), kacs.user_of(vm, new))
	kacs.close(vm, new)
end)

test("a second revoke_token returns 0", function()
	local new = kacs.create(vm, 50)
	assert_eq(0, vm.kacs:revoke_token(new))
	assert_eq(0, vm.kacs:revoke_token(new))
	kacs.close(vm, new)
end)

test("revoke_token of another user's token returns EPERM, even with a descriptor of it", function()
	local new = kacs.create(vm, 51)
	kacs.as_user(vm, 1000, function() assert_errno("EPERM", vm.kacs:revoke_token(new)) end)
	assert_eq(0, kacs.statistics(vm, new).revoked)
	kacs.close(vm, new)
end)

test("revoke_token by root of another user's token returns EPERM", function()
	local w = vm:spawn { thread = true, uid = 1000 }
	local self = w.kacs:open_self_token(0, kacs.TOKEN_DUPLICATE)
	local theirs = (w:ioctl(self, kacs.DUPLICATE, pack("u32 u32", kacs.TOKEN_ALL, 0)))
	assert(theirs >= 3, theirs)
	assert_errno("EPERM", vm.kacs:revoke_token(theirs))
	assert_eq(0, w.kacs:revoke_token(theirs))
	w:kill()
	kacs.close(vm, self, theirs)
end)

test("revoke_token of SYSTEM's token returns EPERM", function()
	local self = vm.kacs:open_process_token(1, kacs.TOKEN_ALL)
	assert_errno("EPERM", vm.kacs:revoke_token(self))
	kacs.close(vm, self)
end)

test("a task keeps its token when the token is revoked, and every check fails", function()
	local new = kacs.create(vm, 52)
	local w = vm:spawn()
	w.kacs:install_token(new)
	assert_eq(1, kacs.check(w, -1, kacs.sd {}, 1))
	vm.kacs:revoke_token(new)
	assert_eq(kacs.user(52), kacs.whoami(w))
	assert_errno("EKEYREVOKED", kacs.check(w, -1, kacs.sd {}, 1))
	w:kill()
	kacs.close(vm, new)
end)

-- --- create_token: an operation with a capability ---

test("create_token without CAP_SYS_ADMIN returns EPERM for any spec", function()
	kacs.as_user(vm, 1000, function()
		assert_errno("EPERM", create(kacs.spec(1)))
		assert_errno("EPERM", vm:syscall(1003, 8, 1 << 40))
	end)
end)

test("create_token needs CAP_SYS_ADMIN, whatever the uid", function()
	local root = vm:spawn { caps = {} }
	local user = vm:spawn { uid = 1000, caps = { "CAP_SYS_ADMIN" } }
	assert_errno("EPERM", (root.kacs:create_token(kacs.spec(1))))
	assert((user.kacs:create_token(kacs.spec(1))) >= 3)
	root:kill()
	user:kill()
end)

test("create_token by root of a user namespace returns EPERM", function()
	local w = vm:spawn { uid = 1000 }
	assert_eq(0, w:syscall("unshare", C.CLONE_NEWUSER))
	assert_errno("EPERM", (w.kacs:create_token(kacs.spec(1))))
	w:kill()
end)

-- --- duplicate ---

test("the ioctl DUPLICATE copies user and groups, and sets the origin to the old token", function()
	local copy = (vm:ioctl(fd, kacs.DUPLICATE, pack("u32 u32", kacs.TOKEN_QUERY, 0)))
	assert_eq(kacs.user(1000), kacs.user_of(vm, copy))
	assert_eq(kacs.groups(GROUPS), kacs.query(vm, copy, kacs.QUERY_GROUPS))
	assert_eq(kacs.statistics(vm, fd).id, kacs.statistics(vm, copy).origin)
	assert_ne(kacs.statistics(vm, fd).id, kacs.statistics(vm, copy).id)
	assert_errno("EACCES", vm.kacs:install_token(copy))
	kacs.close(vm, copy)
end)

test("the ioctl DUPLICATE refuses unknown rights and flags, and a missing right", function()
	assert_errno("EINVAL", (vm:ioctl(fd, kacs.DUPLICATE, pack("u32 u32", 0x10, 0))))
	assert_errno("EINVAL", (vm:ioctl(fd, kacs.DUPLICATE, pack("u32 u32", 8, 1))))
	local self = vm.kacs:open_self_token(0, kacs.TOKEN_QUERY)
	assert_errno("EACCES", (vm:ioctl(self, kacs.DUPLICATE, pack("u32 u32", 8, 0))))
	kacs.close(vm, self)
end)

-- --- wait_token ---

test("wait_token of a revoked token returns at once", function()
	local new = kacs.create(vm, 60)
	vm.kacs:revoke_token(new)
	assert_eq(0, vm.kacs:wait_token(new, 0xffffffff))
	kacs.close(vm, new)
end)

test("wait_token returns when the token is revoked", function()
	local new = kacs.create(vm, 61)
	local w = vm:spawn()
	local call = w.kacs:async("wait_token", new, 0xffffffff)
	assert_eq(false, call:done())
	assert_eq(0, vm.kacs:revoke_token(new))
	assert_eq(0, call:wait())
	w:kill()
	kacs.close(vm, new)
end)

test("wait_token returns although the token's descriptor was closed meanwhile", function()
	local new = kacs.create(vm, 62)
	local other = (vm:syscall("dup", new))
	local w = vm:spawn { thread = true }
	local call = w.kacs:async("wait_token", new, 0xffffffff)
	vm:wait_until(function()
		return vm:read_file(("/proc/%d/task/%d/syscall"):format(w.pid, w.tid)):find("^1006 ")
	end, { interval = 0.005 })
	kacs.close(vm, new)
	assert_eq(0, vm.kacs:revoke_token(other))
	assert_eq(0, call:wait())
	w:kill()
	kacs.close(vm, other)
end)

test("the tests of this file leave no token but their own", function()
	vm:wait_until(function() return kacs.counts(vm).tokens == 1 end, { interval = 0.01, desc = "one token" })
	assert_eq({ tokens = 1, files = 1, tasks = 0 }, kacs.counts(vm))
	kacs.close(vm, fd)
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
end)
