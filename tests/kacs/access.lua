-- SPDX-License-Identifier: GPL-2.0-only
-- The access check: which ACEs count, in which order, for whom.

local kacs = require "kacs"
local pack, unpack = provium.pack, provium.unpack
local allow, deny = kacs.allow, kacs.deny

local vm, test = kacs.boot()

local ALICE, BOB, STAFF, GUESTS = "S-1-22-1-1000", "S-1-22-1-1001", "S-1-5-21-1-2-3-1000", "S-1-5-32-546"
local R, W, X = kacs.READ_DATA, kacs.WRITE_DATA, kacs.EXECUTE

-- Alice is in STAFF, for denial in GUESTS, and was in ADMINISTRATORS.
local alice = vm.kacs and kacs.create(vm, 1000, {
	{ STAFF, kacs.GROUP_ENABLED }, { GUESTS, kacs.GROUP_DENY_ONLY | kacs.GROUP_ENABLED }, { kacs.ADMINISTRATORS, kacs.GROUP_MANDATORY },
})

local function check(dacl, desired, fd) return kacs.check(vm, fd or alice, kacs.sd { owner = BOB, dacl = dacl }, desired) end

-- What each DACL grants to Alice: { title, DACL, desired, result }.
local cases = {
	{ "no DACL grants all", nil, 0xffff, 0xffff },
	{ "a null DACL grants all", "null", R | W | X, R | W | X },
	{ "an empty DACL grants nothing", {}, R, "EACCES" },
	{ "nothing asked, nothing granted, even by an empty DACL", {}, 0, 0 },
	{ "allowed by name", { allow(ALICE, R) }, R, R },
	{ "what is granted is what was asked for, not more", { allow(ALICE, R | W) }, R, R },
	{ "allowed to somebody else", { allow(BOB, R) }, R, "EACCES" },
	{ "allowed to Everyone", { allow(kacs.EVERYONE, R) }, R, R },
	{ "allowed to a group of hers", { allow(STAFF, R) }, R, R },
	{ "allowed to a group that only denies her", { allow(GUESTS, R) }, R, "EACCES" },
	{ "allowed to a group that is not enabled", { allow(kacs.ADMINISTRATORS, R) }, R, "EACCES" },
	{ "denied to a group that is not enabled", { deny(kacs.ADMINISTRATORS, R), allow(ALICE, R) }, R, R },
	{ "denied by name, then allowed: the first decides", { deny(ALICE, R), allow(ALICE, R) }, R, "EACCES" },
	{ "allowed by name, then denied: the first decides", { allow(ALICE, R), deny(ALICE, R) }, R, R },
	{ "denied to a group, then allowed to her", { deny(STAFF, R), allow(ALICE, R) }, R, "EACCES" },
	{ "denied to a group for denial, then allowed to her", { deny(GUESTS, R), allow(ALICE, R) }, R, "EACCES" },
	{ "denied to somebody else", { deny(BOB, R), allow(kacs.EVERYONE, R) }, R, R },
	{ "another right is denied", { deny(ALICE, W), allow(ALICE, R | W) }, R, R },
	{ "one of two rights is denied: all or nothing", { deny(ALICE, W), allow(ALICE, R | W) }, R | W, "EACCES" },
	{ "one of two rights is not mentioned", { allow(ALICE, R) }, R | W, "EACCES" },
	{ "put together from two ACEs", { allow(ALICE, R), allow(STAFF, W) }, R | W, R | W },
	{ "a right that was allowed before is not taken back", { allow(ALICE, R | W), deny(ALICE, W), allow(ALICE, X) }, R | W | X, R | W | X },
	{ "an ACE for inheritance alone is passed over", { deny(ALICE, R, kacs.INHERIT_ONLY), allow(ALICE, R) }, R, R },
	{ "and grants nothing", { allow(ALICE, R, kacs.INHERIT_ONLY) }, R, "EACCES" },
	{ "an inherited one counts", { allow(ALICE, R, 0x10) }, R, R },
	{ "generic rights asked for become those of files", { allow(ALICE, kacs.FILE_READ) }, kacs.GENERIC_READ, kacs.FILE_READ },
	{ "generic rights in an ACE do, too", { allow(ALICE, kacs.GENERIC_WRITE) }, W, W },
	{ "generic execute", { allow(ALICE, kacs.GENERIC_EXECUTE) }, kacs.GENERIC_EXECUTE, kacs.FILE_EXECUTE },
	{ "generic all is every one", { allow(ALICE, kacs.GENERIC_ALL) }, kacs.FILE_ALL, kacs.FILE_ALL },
	{ "a generic right that is denied in part", { deny(ALICE, R), allow(ALICE, kacs.GENERIC_ALL) }, kacs.GENERIC_READ, "EACCES" },
	{ "the maximum is what is left", { deny(ALICE, W), allow(ALICE, R | W | X) }, kacs.MAXIMUM_ALLOWED, R | X },
	{ "the maximum, and a right that is in it", { allow(ALICE, R | W) }, kacs.MAXIMUM_ALLOWED | R, R | W },
	{ "the maximum, and a right that is not in it", { allow(ALICE, R) }, kacs.MAXIMUM_ALLOWED | W, "EACCES" },
	{ "the maximum of nothing", { deny(ALICE, kacs.GENERIC_ALL) }, kacs.MAXIMUM_ALLOWED, "EACCES" },
	{ "the maximum without a DACL", nil, kacs.MAXIMUM_ALLOWED, kacs.FILE_ALL },
	{ "the highest right there is comes back as a positive number", { allow(ALICE, 0x01000000 | 0x00800000) }, 0x01800000, 0x01800000 },
}
for _, case in ipairs(cases) do
	local title, dacl, desired, want = table.unpack(case, 1, 4)
	test(title, function()
		local got = check(dacl, desired)
		if type(want) == "string" then assert_errno(want, got) else assert_eq(want, got) end
	end)
end

test("an ACE may be longer than its SID", function()
	local sid = kacs.sid(ALICE)
	local ace = pack("u8 u8 u16 u32", 0, 0, 8 + #sid + 8, R) .. sid .. ("\xff"):rep(8)
	assert_eq(R, check({ ace, deny(kacs.EVERYONE, R) }, R))
end)

test("owner, group and SACL have no say", function()
	local sd = kacs.sd { owner = ALICE, group = STAFF, sacl = { kacs.audit(ALICE, R) }, dacl = {} }
	assert_errno("EACCES", kacs.check(vm, alice, sd, kacs.READ_CONTROL))
end)

test("a thousand ACEs, the last of which allows", function()
	local aces = {}
	for i = 1, 1000 do aces[i] = deny(BOB, R) end
	aces[#aces + 1] = allow(ALICE, R)
	assert_eq(R, check(aces, R))
end)

test("-1 is the caller's own token: SYSTEM, or what it installed", function()
	local sd = kacs.sd { dacl = { allow(kacs.SYSTEM, R), allow(ALICE, W) } }
	assert_eq(R, kacs.check(vm, -1, sd, R))
	assert_errno("EACCES", kacs.check(vm, -1, sd, W))
	local w = vm:spawn()
	w.kacs:install_token(alice)
	assert_errno("EACCES", kacs.check(w, -1, sd, R))
	assert_eq(W, kacs.check(w, -1, sd, W))
	w:kill()
end)

test("three workers with three tokens, one descriptor, three answers", function()
	local sd = kacs.sd { dacl = { deny(BOB, W), allow(kacs.EVERYONE, R | W), allow(ALICE, X) } }
	local got = {}
	for i, id in ipairs { 1000, 1001, 1002 } do
		local fd = kacs.create(vm, id)
		local w = vm:spawn { uid = id }
		assert_eq(0, w.kacs:install_token(fd))
		got[i] = kacs.check(w, -1, sd, kacs.MAXIMUM_ALLOWED)
		kacs.close(vm, fd)
		w:kill()
	end
	assert_eq({ R | W | X, R, R | W }, got)
end)

test("the uid has no say: root with Alice's token is Alice", function()
	local w = vm:spawn()
	w.kacs:install_token(alice)
	assert_eq(0, w:syscall("getuid"))
	assert_errno("EACCES", kacs.check(w, -1, kacs.sd { dacl = { allow(kacs.ADMINISTRATORS, R) } }, R))
	w:kill()
end)

-- --- the extensible struct ---

test("a larger struct is taken, and what is beyond 24 bytes not read", function()
	local sd = kacs.sd {}
	for _, size in ipairs { 24, 32, 4096, 0xffffffff } do
		assert_eq(R, (vm.kacs:access_check(kacs.check_args(alice, sd, R, { size = size }))), size)
	end
end)

test("a smaller one is EINVAL", function()
	for _, size in ipairs { 0, 23 } do
		assert_errno("EINVAL", (vm.kacs:access_check(kacs.check_args(alice, kacs.sd {}, R, { size = size }))))
	end
end)

test("the struct is read, not written", function()
	local sd = kacs.sd {}
	local _, args = vm.kacs:access_check(kacs.check_args(alice, sd, R))
	assert_eq(pack("u32 i32", 24, alice), args:sub(1, 8))
	assert_eq(pack("u32 u32", #sd, R), args:sub(17))
end)

-- --- CHECK: a pointer in a struct that is pointed to ---

local function ioctl_check(sd, desired, opts)
	opts = opts or {}
	return vm:ioctl_buf(opts.fd or alice, kacs.CHECK, pack("u32 u32 x8", opts.flags or 0, 0xdead), {
		{ ptr_offset = 8, buf_len = opts.object_len or 16, data = pack("u32 u32 u64", opts.len or #sd, desired, 0):sub(1, opts.object_len) },
		opts.object_len and { ptr_offset = 8, buf_len = opts.object_len } or { parent = 1, ptr_offset = 8, buf_len = #sd, data = sd },
	})
end

test("CHECK: what is granted is in the struct", function()
	local ret, args = ioctl_check(kacs.sd { dacl = { allow(ALICE, R) } }, R)
	assert_eq({ 0, R }, { ret, (unpack("u32", args, 4)) })
end)

test("CHECK: a denial is 0, and no error", function()
	local ret, args = ioctl_check(kacs.sd { dacl = {} }, R)
	assert_eq({ 0, 0 }, { ret, (unpack("u32", args, 4)) })
end)

test("CHECK: flags, a malformed descriptor, too large a one", function()
	assert_errno("EINVAL", (ioctl_check(kacs.sd {}, R, { flags = 1 })))
	assert_errno("EINVAL", (ioctl_check("x", R)))
	assert_errno("E2BIG", (ioctl_check("x", R, { len = 65537 })))
end)

test("CHECK: an object or a descriptor that is cut off is EFAULT", function()
	assert_errno("EFAULT", (ioctl_check(kacs.sd {}, R, { len = 21 })))
	assert_errno("EFAULT", (ioctl_check("", R, { object_len = 15 })))
end)

test("nothing is left", function()
	kacs.close(vm, alice)
	vm:wait_until(function() return kacs.counts(vm).tokens == 0 end, { interval = 0.01, desc = "no tokens" })
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
end)
