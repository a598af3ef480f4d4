-- SPDX-License-Identifier: GPL-2.0-only
-- The access check: which ACEs are evaluated, in which order, and for which
-- token.

local kacs = require "kacs"
local pack, unpack = provium.pack, provium.unpack
local allow, deny = kacs.allow, kacs.deny

local vm, test = kacs.boot()

local ALICE, BOB, STAFF, GUESTS = "S-1-22-1-1000", "S-1-22-1-1001", "S-1-5-21-1-2-3-1000", "S-1-5-32-546"
local R, W, X = kacs.READ_DATA, kacs.WRITE_DATA, kacs.EXECUTE

-- Alice is in STAFF; in GUESTS, which counts only for denial; and in
-- ADMINISTRATORS, which is not enabled.
local alice = vm.kacs and kacs.create(vm, 1000, {
	{ STAFF, kacs.GROUP_ENABLED },
	{ GUESTS, kacs.GROUP_DENY_ONLY | kacs.GROUP_ENABLED },
	{ kacs.ADMINISTRATORS, kacs.GROUP_MANDATORY },
})

local function check(dacl, desired, fd)
	return kacs.check(vm, fd or alice, kacs.sd { owner = BOB, dacl = dacl }, desired)
end

-- Cases { title, DACL, desired rights, granted rights or errno }, for Alice.
local cases = {
	{ "no DACL grants every right", nil, 0xffff, 0xffff },
	{ "a null DACL grants every right", "null", R | W | X, R | W | X },
	{ "an empty DACL grants no right", {}, R, "EACCES" },
	{ "no desired right is granted even by an empty DACL", {}, 0, 0 },
	{ "an ACE for the user grants the right", { allow(ALICE, R) }, R, R },
	{ "the desired rights are granted and no others", { allow(ALICE, R | W) }, R, R },
	{ "an ACE for another user grants nothing", { allow(BOB, R) }, R, "EACCES" },
	{ "an ACE for Everyone grants the right", { allow(kacs.EVERYONE, R) }, R, R },
	{ "an ACE for a group of the user grants the right", { allow(STAFF, R) }, R, R },
	{ "an ACE for a deny-only group grants nothing", { allow(GUESTS, R) }, R, "EACCES" },
	{ "an ACE for a group that is not enabled grants nothing", { allow(kacs.ADMINISTRATORS, R) }, R, "EACCES" },
	{ "an ACE for a group that is not enabled denies nothing", { deny(kacs.ADMINISTRATORS, R), allow(ALICE, R) }, R, R },
	{ "a right is refused if an ACE denies it before another grants it", { deny(ALICE, R), allow(ALICE, R) }, R, "EACCES" },
	{ "a right is granted if an ACE grants it before another denies it", { allow(ALICE, R), deny(ALICE, R) }, R, R },
	{ "a denial to a group before a grant to the user refuses the right", { deny(STAFF, R), allow(ALICE, R) }, R, "EACCES" },
	{ "a denial to a deny-only group before a grant to the user refuses the right", { deny(GUESTS, R), allow(ALICE, R) }, R, "EACCES" },
	{ "a denial to another user has no effect", { deny(BOB, R), allow(kacs.EVERYONE, R) }, R, R },
	{ "a denial of another right has no effect", { deny(ALICE, W), allow(ALICE, R | W) }, R, R },
	{ "two desired rights of which one is denied are refused", { deny(ALICE, W), allow(ALICE, R | W) }, R | W, "EACCES" },
	{ "two desired rights of which one is not mentioned are refused", { allow(ALICE, R) }, R | W, "EACCES" },
	{ "two desired rights are granted by two ACEs", { allow(ALICE, R), allow(STAFF, W) }, R | W, R | W },
	{ "a right granted by one ACE is not taken back by a later denial", { allow(ALICE, R | W), deny(ALICE, W), allow(ALICE, X) }, R | W | X, R | W | X },
	{ "an inherit-only ACE that denies a right has no effect", { deny(ALICE, R, kacs.INHERIT_ONLY), allow(ALICE, R) }, R, R },
	{ "an inherit-only ACE that grants a right has no effect", { allow(ALICE, R, kacs.INHERIT_ONLY) }, R, "EACCES" },
	{ "an inherited ACE grants its right", { allow(ALICE, R, 0x10) }, R, R },
	{ "a desired generic right stands for file rights", { allow(ALICE, kacs.FILE_READ) }, kacs.GENERIC_READ, kacs.FILE_READ },
	{ "a generic right in an ACE stands for file rights", { allow(ALICE, kacs.GENERIC_WRITE) }, W, W },
	{ "generic execute is granted as file rights", { allow(ALICE, kacs.GENERIC_EXECUTE) }, kacs.GENERIC_EXECUTE, kacs.FILE_EXECUTE },
	{ "generic all grants every file right", { allow(ALICE, kacs.GENERIC_ALL) }, kacs.FILE_ALL, kacs.FILE_ALL },
	{ "a generic right that is denied in part is refused", { deny(ALICE, R), allow(ALICE, kacs.GENERIC_ALL) }, kacs.GENERIC_READ, "EACCES" },
	{ "MAXIMUM_ALLOWED returns the granted rights without the denied ones", { deny(ALICE, W), allow(ALICE, R | W | X) }, kacs.MAXIMUM_ALLOWED, R | X },
	{ "MAXIMUM_ALLOWED with a granted right returns all granted rights", { allow(ALICE, R | W) }, kacs.MAXIMUM_ALLOWED | R, R | W },
	{ "MAXIMUM_ALLOWED with a right that is not granted is refused", { allow(ALICE, R) }, kacs.MAXIMUM_ALLOWED | W, "EACCES" },
	{ "MAXIMUM_ALLOWED is refused if no right is granted", { deny(ALICE, kacs.GENERIC_ALL) }, kacs.MAXIMUM_ALLOWED, "EACCES" },
	{ "MAXIMUM_ALLOWED without a DACL returns every file right", nil, kacs.MAXIMUM_ALLOWED, kacs.FILE_ALL },
	{ "the highest right is returned as a positive number", { allow(ALICE, 0x01000000 | 0x00800000) }, 0x01800000, 0x01800000 },
}
for _, case in ipairs(cases) do
	local title, dacl, desired, want = table.unpack(case, 1, 4)
	test(title, function()
		local got = check(dacl, desired)
		if type(want) == "string" then assert_errno(want, got) else assert_eq(want, got) end
	end)
end

test("an ACE with bytes after its SID grants its right", function()
	local sid = kacs.sid(ALICE)
	local ace = pack("u8 u8 u16 u32", 0, 0, 8 + #sid + 8, R) .. sid .. ("\xff"):rep(8)
	assert_eq(R, check({ ace, deny(kacs.EVERYONE, R) }, R))
end)

test("the owner, the group and the SACL of a security descriptor grant no right", function()
	local sd = kacs.sd { owner = ALICE, group = STAFF, sacl = { kacs.audit(ALICE, R) }, dacl = {} }
	assert_errno("EACCES", kacs.check(vm, alice, sd, kacs.READ_CONTROL))
end)

test("an ACE after a thousand others grants its right", function()
	local aces = {}
	for i = 1, 1000 do aces[i] = deny(BOB, R) end
	aces[#aces + 1] = allow(ALICE, R)
	assert_eq(R, check(aces, R))
end)

test("access_check with -1 checks the caller's own token", function()
	local sd = kacs.sd { dacl = { allow(kacs.SYSTEM, R), allow(ALICE, W) } }
	assert_eq(R, kacs.check(vm, -1, sd, R))
	assert_errno("EACCES", kacs.check(vm, -1, sd, W))
	local w = vm:spawn()
	w.kacs:install_token(alice)
	assert_errno("EACCES", kacs.check(w, -1, sd, R))
	assert_eq(W, kacs.check(w, -1, sd, W))
	w:kill()
end)

test("three workers with three tokens get three results for one security descriptor", function()
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

test("a root worker with a user's token has that user's rights", function()
	local w = vm:spawn()
	w.kacs:install_token(alice)
	assert_eq(0, w:syscall("getuid"))
	assert_errno("EACCES", kacs.check(w, -1, kacs.sd { dacl = { allow(kacs.ADMINISTRATORS, R) } }, R))
	w:kill()
end)

-- --- the extensible struct ---

test("access_check with a larger struct ignores the bytes beyond 24", function()
	local sd = kacs.sd {}
	for _, size in ipairs { 24, 32, 4096, 0xffffffff } do
		assert_eq(R, (vm.kacs:access_check(kacs.check_args(alice, sd, R, { size = size }))), size)
	end
end)

test("access_check with a struct of less than 24 bytes returns EINVAL", function()
	for _, size in ipairs { 0, 23 } do
		assert_errno("EINVAL", (vm.kacs:access_check(kacs.check_args(alice, kacs.sd {}, R, { size = size }))))
	end
end)

test("access_check does not write to its struct", function()
	local sd = kacs.sd {}
	local _, args = vm.kacs:access_check(kacs.check_args(alice, sd, R))
	assert_eq(pack("u32 i32", 24, alice), args:sub(1, 8))
	assert_eq(pack("u32 u32", #sd, R), args:sub(17))
end)

-- --- CHECK: a pointer in a struct behind a pointer ---

local function ioctl_check(sd, desired, opts)
	opts = opts or {}
	local object = pack("u32 u32 u64", opts.len or #sd, desired, 0):sub(1, opts.object_len)
	return vm:ioctl_buf(opts.fd or alice, kacs.CHECK, pack("u32 u32 x8", opts.flags or 0, 0xdead), {
		{ ptr_offset = 8, buf_len = opts.object_len or 16, data = object },
		opts.object_len and { ptr_offset = 8, buf_len = opts.object_len } or
			{ parent = 1, ptr_offset = 8, buf_len = #sd, data = sd },
	})
end

test("the ioctl CHECK returns the granted rights in its struct", function()
	local ret, args = ioctl_check(kacs.sd { dacl = { allow(ALICE, R) } }, R)
	assert_eq({ 0, R }, { ret, (unpack("u32", args, 4)) })
end)

test("the ioctl CHECK returns 0 rights and no error for a denial", function()
	local ret, args = ioctl_check(kacs.sd { dacl = {} }, R)
	assert_eq({ 0, 0 }, { ret, (unpack("u32", args, 4)) })
end)

test("the ioctl CHECK refuses unknown flags and a malformed or too large descriptor", function()
	assert_errno("EINVAL", (ioctl_check(kacs.sd {}, R, { flags = 1 })))
	assert_errno("EINVAL", (ioctl_check("x", R)))
	assert_errno("E2BIG", (ioctl_check("x", R, { len = 65537 })))
end)

test("the ioctl CHECK with a truncated object or security descriptor returns EFAULT", function()
	assert_errno("EFAULT", (ioctl_check(kacs.sd {}, R, { len = 21 })))
	assert_errno("EFAULT", (ioctl_check("", R, { object_len = 15 })))
end)

test("the tests of this file leave no token", function()
	kacs.close(vm, alice)
	vm:wait_until(function() return kacs.counts(vm).tokens == 0 end, { interval = 0.01, desc = "no tokens" })
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
end)
