-- SPDX-License-Identifier: GPL-2.0-only
-- Security descriptors on files: their parts are stored separately, and paths
-- are resolved for the caller.

local C = provium.const
local kacs = require "kacs"
local pack = provium.pack

local vm, test = kacs.boot { cpus = 2 }

local ALICE, BOB, STAFF = "S-1-22-1-1000", "S-1-22-1-1001", "S-1-5-21-1-2-3-1000"
local CWD = C.AT_FDCWD

local FULL = kacs.sd { owner = ALICE, group = STAFF, sacl = { kacs.audit(kacs.EVERYONE, 0x10000) },
	dacl = { kacs.deny(BOB, kacs.WRITE_DATA), kacs.allow(kacs.EVERYONE, kacs.FILE_ALL) } }

local files = 0

local function new_file()
	files = files + 1
	local path = ("/tmp/sd-%d"):format(files)
	vm:write_file(path, "")
	return path
end

local function set(path, sd, info, flags) return (vm.kacs:set_sd(CWD, path, info or kacs.ALL, sd, flags)) end

-- Returns the size or -errno, and the descriptor if there is one.
local function get(path, info, flags, caller)
	caller = caller or vm
	local size = caller.kacs:get_sd(CWD, path, info or kacs.ALL, 0, flags)
	if size < 0 then return size end
	local ret, sd = caller.kacs:get_sd(CWD, path, info or kacs.ALL, size, flags)
	assert_eq(size, ret)
	return ret, sd
end

-- --- set and get ---

test("get_sd of a new file returns ENODATA", function()
	assert_errno("ENODATA", (get(new_file())))
end)

test("get_sd returns the bytes that set_sd stored", function()
	local path = new_file()
	assert_eq(0, set(path, FULL))
	local ret, sd = get(path)
	assert_eq(#FULL, ret)
	assert_eq(FULL, sd)
end)

test("get_sd with too little room returns the size and writes nothing", function()
	local path = new_file()
	set(path, FULL)
	assert_eq(#FULL, (vm.kacs:get_sd(CWD, path, kacs.ALL, 0)))
	local ret, sd = vm.kacs:get_sd(CWD, path, kacs.ALL, #FULL - 1)
	assert_eq(#FULL, ret)
	assert_eq(("\0"):rep(#FULL - 1), sd)
	ret, sd = vm.kacs:get_sd(CWD, path, kacs.ALL, #FULL + 3)
	assert_eq(#FULL, ret)
	assert_eq(FULL .. "\0\0\0", sd)
end)

test("get_sd can return each part of a security descriptor alone", function()
	local path = new_file()
	set(path, FULL)
	local parts = {
		[kacs.OWNER] = { owner = ALICE }, [kacs.GROUP] = { group = STAFF },
		[kacs.SACL] = { sacl = { kacs.audit(kacs.EVERYONE, 0x10000) } },
		[kacs.DACL] = { dacl = { kacs.deny(BOB, kacs.WRITE_DATA), kacs.allow(kacs.EVERYONE, kacs.FILE_ALL) } },
	}
	for info, want in pairs(parts) do assert_eq(kacs.sd(want), (select(2, get(path, info)))) end
end)

test("set_sd of one part of a security descriptor leaves the other parts unchanged", function()
	local path = new_file()
	set(path, FULL)
	assert_eq(0, set(path, kacs.sd { owner = BOB }, kacs.OWNER))
	assert_eq(kacs.sd { owner = BOB, group = STAFF }, (select(2, get(path, kacs.OWNER | kacs.GROUP))))
	assert_eq(0, set(path, kacs.sd { owner = ALICE, dacl = {} }, kacs.DACL))
	assert_eq(kacs.sd { owner = BOB, dacl = {} }, (select(2, get(path, kacs.OWNER | kacs.DACL))))
	assert_eq(kacs.sd { sacl = { kacs.audit(kacs.EVERYONE, 0x10000) } }, (select(2, get(path, kacs.SACL))))
end)

test("set_sd of a DACL that is not present removes it, unlike an empty DACL", function()
	local path = new_file()
	set(path, FULL)
	assert_eq(0, set(path, kacs.sd {}, kacs.DACL))
	assert_eq(kacs.sd {}, (select(2, get(path, kacs.DACL))))
	assert_eq(0, set(path, kacs.sd { dacl = {} }, kacs.DACL))
	assert_eq(kacs.sd { dacl = {} }, (select(2, get(path, kacs.DACL))))
end)

test("a null DACL is returned as a null DACL", function()
	local path = new_file()
	assert_eq(0, set(path, kacs.sd { dacl = "null" }, kacs.DACL))
	assert_eq(kacs.sd { dacl = "null" }, (select(2, get(path, kacs.DACL))))
end)

test("control bits are stored with the part that they belong to", function()
	local path = new_file()
	assert_eq(0, set(path, kacs.sd { dacl = {}, control = kacs.DACL_PROTECTED }, kacs.DACL))
	assert_eq(kacs.sd { dacl = {}, control = kacs.DACL_PROTECTED }, (select(2, get(path, kacs.DACL))))
	assert_eq(kacs.sd {}, (select(2, get(path, kacs.SACL))))
	assert_eq(0, set(path, kacs.sd { owner = ALICE, control = kacs.DACL_PROTECTED }, kacs.OWNER))
	assert_eq(0, set(path, kacs.sd {}, kacs.DACL))
	assert_eq(kacs.sd { owner = ALICE }, (select(2, get(path))))
end)

test("a descriptor with overlapping parts is returned in order", function()
	local sid = kacs.sid(ALICE)
	local sd = pack("u8 u8 u16 u32 u32 u32 u32", 1, 0, 0x8000, 20, 20, 0, 0) .. sid
	local path = new_file()
	assert_eq(0, set(path, sd))
	assert_eq(kacs.sd { owner = ALICE, group = ALICE }, (select(2, get(path))))
end)

test("a directory, a device and a fifo can have a descriptor", function()
	assert(vm:exec("mkdir /tmp/dir; mkfifo /tmp/fifo").ok)
	for _, path in ipairs { "/tmp/dir", "/tmp/fifo", "/dev/null" } do
		assert_eq(0, set(path, FULL), path)
		assert_eq(FULL, (select(2, get(path))), path)
	end
end)

test("a renamed file keeps its descriptor, and a new file has none", function()
	local path = new_file()
	set(path, FULL)
	assert(vm:exec(("mv %s %s.b; ln %s.b %s.c; echo >%s"):format(path, path, path, path, path)).ok)
	assert_errno("ENODATA", (get(path)))
	assert_eq(FULL, (select(2, get(path .. ".b"))))
	assert_eq(FULL, (select(2, get(path .. ".c"))))
end)

test("a thousand files with descriptors can be removed", function()
	assert(vm:exec("mkdir /tmp/many; cd /tmp/many; for i in $(seq 1000); do echo >$i; done").ok)
	local results = vm:batch(function(b)
		for i = 1, 1000 do b:module_call("kacs", "set_sd", CWD, "/tmp/many/" .. i, kacs.ALL, FULL) end
	end)
	for i = 1, 1000 do assert_eq(0, results[i][1]) end
	assert(vm:exec("rm -r /tmp/many").ok)
end)

test("a descriptor outlives the unloading of the module", function()
	local path = new_file()
	set(path, FULL)
	vm:rmmod("kacs")
	vm:insmod("kacs")
	assert_eq(FULL, (select(2, get(path))))
end)

test("a descriptor of 64 KiB is stored, and a larger one returns E2BIG", function()
	local aces = {}
	for i = 1, (kacs.MAX_BYTES - 20 - 8) // 20 do aces[i] = kacs.allow("S-1-1-0", i) end
	local large = kacs.sd { dacl = aces }
	local path = new_file()
	assert_eq(0, set(path, large, kacs.DACL))
	assert_eq(large, (select(2, get(path, kacs.DACL))))
	local audits = {}
	for i, ace in ipairs(aces) do audits[i] = "\2" .. ace:sub(2) end
	assert_errno("E2BIG", set(path, kacs.sd { sacl = audits }, kacs.SACL))
	assert_eq(large, (select(2, get(path, kacs.DACL))))
end)

-- --- malformed descriptors change nothing ---

local ace = kacs.allow(kacs.EVERYONE, 1)
local function head(control, owner, group, sacl, dacl)
	return pack("u8 u8 u16 u32 u32 u32 u32", 1, 0, control, owner or 0, group or 0, sacl or 0, dacl or 0)
end
local function with_dacl(acl) return kacs.sd { dacl = acl } end

local malformed = {
	["no bytes"] = "", ["19 bytes"] = head(0x8000):sub(1, 19), ["revision 2"] = kacs.sd { revision = 2 },
	["a second byte other than 0"] = "\1\1" .. head(0x8000):sub(3), ["no self-relative flag"] = head(0),
	["an owner in the head"] = head(0x8000, 16, 0, 0, 1) .. "\0\0\0\5", ["an owner beyond the end"] = head(0x8000, 21),
	["an owner far beyond the end"] = head(0x8000, 0xffffffff) .. kacs.sid(ALICE),
	["an owner that is cut off"] = kacs.sd { owner = ALICE }:sub(1, -2),
	["a group of revision 0"] = head(0x8000, 0, 20) .. "\0\1\0\0\0\0\0\1\0\0\0\0",
	["a group with 255 parts"] = head(0x8000, 0, 20) .. "\1\255\0\0\0\0\0\1" .. ("\0"):rep(1020),
	["an ACL that is cut off"] = with_dacl({ ace }):sub(1, -2), ["an ACL of 7 bytes"] = head(0x8004, 0, 0, 0, 20) .. ("\2"):rep(7),
	["an ACL of revision 3"] = with_dacl(kacs.acl({ ace }, { revision = 3 })),
	["an ACL that is smaller than its head"] = with_dacl(kacs.acl({}, { size = 4 })),
	["an ACL that is larger than the rest"] = with_dacl(kacs.acl({ ace }, { size = 32 })),
	["an ACL of odd size"] = with_dacl(kacs.acl({ ace .. "\0" }, { count = 1 })),
	["a count above the number of ACEs"] = with_dacl(kacs.acl({ ace }, { count = 2 })),
	["a count of 65535 ACEs"] = with_dacl(kacs.acl({ ace }, { count = 65535 })),
	["an ACE of size 0"] = with_dacl { "\0\0\0\0" .. ace:sub(5) },
	["an ACE of size 7"] = with_dacl { "\0\0\7\0" .. ace:sub(5) },
	["an ACE that is larger than the ACL"] = with_dacl { "\0\0\24\0" .. ace:sub(5) },
	["an ACE whose SID does not fit"] = with_dacl { pack("u8 u8 u16 u32", 0, 0, 20, 1) .. "\1\2\0\0\0\0\0\1\0\0\0\0" },
	["an ACE of an unknown type"] = with_dacl { kacs.ace(5, 1, kacs.EVERYONE) },
	["an audit ACE in a DACL"] = with_dacl { kacs.audit(kacs.EVERYONE, 1) },
	["an allowing ACE in a SACL"] = kacs.sd { sacl = { ace } },
}
for what, sd in kacs.sorted(malformed) do
	test("a malformed descriptor (" .. what .. ") returns EINVAL and changes nothing", function()
		local path = new_file()
		set(path, FULL)
		local info = what:find("SACL") and kacs.SACL or kacs.DACL
		assert_errno("EINVAL", set(path, sd, info))
		assert_errno("EINVAL", kacs.check(vm, -1, sd, 1))
		assert_eq(FULL, (select(2, get(path))))
	end)
end

test("set_sd without the owner or group that `info` names returns EINVAL", function()
	local path = new_file()
	assert_errno("EINVAL", set(path, kacs.sd { group = STAFF }, kacs.OWNER))
	assert_errno("EINVAL", set(path, kacs.sd { owner = ALICE }, kacs.GROUP))
	assert_errno("ENODATA", (get(path)))
end)

test("get_sd of a file whose stored attribute is no descriptor returns EIO", function()
	local path = new_file()
	local bufs = { [0] = path .. "\0", [1] = "security.kacs\0", [2] = "rubbish" }
	assert_eq(0, (vm:syscall_bufs("setxattr", bufs, 0, 0, 0, 7, 0)))
	assert_errno("EIO", (get(path)))
	assert_errno("EIO", set(path, FULL))
end)

-- --- permissions ---

test("set_sd of a file is refused with EPERM to all but its owner", function()
	local path = new_file()
	set(path, FULL)
	local w = vm:spawn { uid = 1000 }
	assert_errno("EPERM", (w.kacs:set_sd(CWD, path, kacs.ALL, kacs.sd { owner = BOB, group = BOB })))
	assert_eq(FULL, (select(2, get(path, nil, nil, w))))
	assert_eq(0, vm:syscall_buf("chown", 0, path .. "\0", 0, 1000, 1000))
	assert_eq(0, (w.kacs:set_sd(CWD, path, kacs.DACL, kacs.sd { dacl = {} })))
	w:kill()
end)

test("CAP_FOWNER allows set_sd of any file", function()
	local path = new_file()
	local w = vm:spawn { uid = 1000, caps = { "CAP_FOWNER" } }
	assert_eq(0, (w.kacs:set_sd(CWD, path, kacs.ALL, FULL)))
	w:kill()
end)

test("a descriptor is kept on a disk, and set_sd of an immutable file is refused", function()
	assert(vm:exec("dd if=/dev/zero of=/tmp/disk bs=1k count=500 && losetup /dev/loop0 /tmp/disk && mke2fs /dev/loop0 && " ..
		"mount /dev/loop0 /mnt && echo >/mnt/file").ok)
	assert_eq(0, set("/mnt/file", FULL))
	assert(vm:exec("umount /mnt && mount /dev/loop0 /mnt").ok)
	assert_eq(FULL, (select(2, get("/mnt/file"))))
	local fd = vm:syscall_buf("openat", 1, "/mnt/file\0", CWD, 0, C.O_RDONLY)
	assert_eq(0, (vm:ioctl(fd, C.FS_IOC_SETFLAGS, pack("u64", C.FS_IMMUTABLE_FL))))
	assert_errno("EPERM", set("/mnt/file", kacs.sd { owner = BOB }, kacs.OWNER))
	kacs.close(vm, fd)
	assert_eq(FULL, (select(2, get("/mnt/file"))))
	assert(vm:exec("umount /mnt").ok)
end)

-- --- paths: relative to the caller's directory, below the caller's root ---

local function w_get(w, dirfd, path, flags) return (w.kacs:get_sd(dirfd, path, kacs.ALL, 0, flags)) end

assert(vm:exec("mkdir -p /srv/jail/etc /srv/work; echo >/srv/work/file; echo >/srv/jail/etc/file; echo >/srv/outside;" ..
	"ln -s /srv/outside /srv/jail/link; ln -s loop /srv/loop; ln -s /srv/work/file /srv/work/link").ok)
if vm.kacs then assert_eq(0, set("/srv/work/file", FULL)) end

test("a relative path is resolved in the caller's directory", function()
	local w = vm:spawn()
	assert_errno("ENOENT", w_get(w, CWD, "file"))
	assert_eq(0, w:syscall_buf("chdir", 0, "/srv/work\0", 0))
	assert_eq(#FULL, w_get(w, CWD, "file"))
	w:kill()
end)

test("a relative path is resolved from the directory of dirfd", function()
	local dir = (vm:syscall_buf("openat", 1, "/srv/work\0", CWD, 0, C.O_DIRECTORY))
	assert_eq(#FULL, w_get(vm, dir, "file"))
	assert_errno("ENOENT", w_get(vm, dir, "none"))
	kacs.close(vm, dir)
end)

test("an empty path with AT_EMPTY_PATH means the descriptor's file", function()
	local fd = (vm:syscall_buf("openat", 1, "/srv/work/file\0", CWD, 0, C.O_RDONLY))
	assert_eq(#FULL, w_get(vm, fd, "", C.AT_EMPTY_PATH))
	assert_errno("ENOENT", w_get(vm, fd, ""))
	assert_errno("ENOTDIR", w_get(vm, fd, "x"))
	kacs.close(vm, fd)
end)

test("a symbolic link is followed, and with AT_SYMLINK_NOFOLLOW it is not", function()
	assert_eq(#FULL, w_get(vm, CWD, "/srv/work/link"))
	local ret = w_get(vm, CWD, "/srv/work/link", C.AT_SYMLINK_NOFOLLOW)
	assert_errno("ENODATA", ret)
end)

test("a chrooted worker cannot reach a file outside its root", function()
	set("/srv/outside", FULL)
	local w = vm:spawn()
	assert_eq(0, w:syscall_buf("chroot", 0, "/srv/jail\0", 0))
	assert_eq(0, w:syscall_buf("chdir", 0, "/\0", 0))
	for _, path in ipairs { "/srv/outside", "../outside", "../../srv/outside", "/../outside", "link" } do
		assert_errno("ENOENT", w_get(w, CWD, path), path)
	end
	assert_eq(0, (w.kacs:set_sd(CWD, "/etc/file", kacs.ALL, FULL)))
	assert_eq(FULL, (select(2, get("/srv/jail/etc/file"))))
	assert_eq(#FULL, w_get(vm, CWD, "/srv/outside"))
	w:kill()
end)

test("a path through a directory without search permission returns EACCES", function()
	assert(vm:exec("mkdir -m 700 /srv/closed; echo >/srv/closed/file").ok)
	local w = vm:spawn { uid = 1000 }
	assert_errno("EACCES", w_get(w, CWD, "/srv/closed/file"))
	w:kill()
end)

test("a read-only mount allows get_sd, and set_sd returns EROFS", function()
	assert(vm:exec("mkdir /srv/ro; mount -t tmpfs none /srv/ro; echo >/srv/ro/file").ok)
	assert_eq(0, set("/srv/ro/file", FULL))
	assert(vm:exec("mount -o remount,ro /srv/ro").ok)
	assert_eq(FULL, (select(2, get("/srv/ro/file"))))
	assert_errno("EROFS", set("/srv/ro/file", FULL))
	assert(vm:exec("umount /srv/ro").ok)
end)

test("a file system without extended attributes returns EOPNOTSUPP", function()
	assert_errno("EOPNOTSUPP", (get("/proc/version")))
	assert_errno("EOPNOTSUPP", set("/proc/self/status", FULL))
end)

-- With a large descriptor, each set_sd takes long enough to overlap the other.
test("two workers that set two parts of one file at once both succeed", function()
	local a, b = vm:spawn(), vm:spawn()
	local aces = {}
	for i = 1, 3000 do aces[i] = kacs.allow(kacs.EVERYONE, i) end
	local large = kacs.sd { dacl = aces }
	for _ = 1, 50 do
		local path = new_file()
		assert_eq(0, set(path, large, kacs.DACL))
		local one = a.kacs:async("set_sd", CWD, path, kacs.OWNER, kacs.sd { owner = ALICE })
		local two = b.kacs:async("set_sd", CWD, path, kacs.GROUP, kacs.sd { group = STAFF })
		assert_eq({ 0, 0 }, { (one:wait()), (two:wait()) })
		assert_eq(kacs.sd { owner = ALICE, group = STAFF }, (select(2, get(path, kacs.OWNER | kacs.GROUP))))
	end
	a:kill()
	b:kill()
end)
