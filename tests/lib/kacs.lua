-- SPDX-License-Identifier: GPL-2.0-only
-- Helpers for tests of modules/kacs: SIDs, ACEs, ACLs, descriptors, specs and
-- queries.

local calls = require "calls"
local pack, unpack = provium.pack, provium.unpack

local kacs = {
	-- Rights of a token's descriptor.
	TOKEN_ASSIGN = 0x1, TOKEN_DUPLICATE = 0x2, TOKEN_IMPERSONATE = 0x4, TOKEN_QUERY = 0x8, TOKEN_ALL = 0xf,
	-- Flags of a group.
	GROUP_MANDATORY = 0x1, GROUP_DEFAULT = 0x2, GROUP_ENABLED = 0x4, GROUP_OWNER = 0x8, GROUP_DENY_ONLY = 0x10,
	-- Parts of a security descriptor.
	OWNER = 0x1, GROUP = 0x2, DACL = 0x4, SACL = 0x8, ALL = 0xf,
	-- Rights on an object.
	READ_DATA = 0x1, WRITE_DATA = 0x2, EXECUTE = 0x20, DELETE = 0x10000, READ_CONTROL = 0x20000,
	MAXIMUM_ALLOWED = 0x02000000, GENERIC_ALL = 0x10000000, GENERIC_EXECUTE = 0x20000000,
	GENERIC_WRITE = 0x40000000, GENERIC_READ = 0x80000000,
	FILE_ALL = 0x1f01ff, FILE_READ = 0x120089, FILE_WRITE = 0x120116, FILE_EXECUTE = 0x1200a0,
	-- Types and flags of an ACE.
	ALLOWED = 0, DENIED = 1, AUDIT = 2, LABEL = 0x11, INHERIT_ONLY = 0x8,
	-- Control bits of a security descriptor.
	DACL_PRESENT = 0x4, SACL_PRESENT = 0x10, DACL_PROTECTED = 0x1000, SELF_RELATIVE = 0x8000,
	-- The ioctls on a token's descriptor.
	QUERY = provium.IOWR("K", 0, 16), MEMBERS = provium.IOWR("K", 1, 24),
	CHECK = provium.IOWR("K", 2, 16), DUPLICATE = provium.IOW("K", 3, 8),
	QUERY_USER = 1, QUERY_TYPE = 2, QUERY_GROUPS = 3, QUERY_STATISTICS = 4,
	MEMBER_NO = 0, MEMBER_DENY_ONLY = 1, MEMBER_YES = 2,
	-- Well-known SIDs.
	SYSTEM = "S-1-5-18", EVERYONE = "S-1-1-0", ADMINISTRATORS = "S-1-5-32-544",
	MAX_BYTES = 65536, MAX_GROUPS = 1024,
}

-- --- VMs ---

-- Returns a booted VM with kacs loaded, and a test() for it: see calls.lua.
function kacs.boot(opts) return calls.boot("kacs", opts) end

-- Returns the numbers of tokens, of their descriptors (files) and of tasks with
-- an installed token.
function kacs.counts(vm)
	local counts = {}
	for _, name in ipairs { "tokens", "files", "tasks" } do
		counts[name] = tonumber(vm:read_file("/sys/module/kacs/parameters/" .. name))
	end
	return counts
end

-- Iterates like pairs(), in the order of the names.
function kacs.sorted(t)
	local names, i = {}, 0
	for name in pairs(t) do names[#names + 1] = name end
	table.sort(names)
	return function()
		i = i + 1
		return names[i], t[names[i]]
	end
end

function kacs.close(vm, ...)
	for _, fd in ipairs { ... } do vm:syscall("close", fd) end
end

-- Calls fn with this effective user ID, and restores root afterwards.
function kacs.as_user(vm, uid, fn)
	assert(vm:syscall("setresuid", -1, uid, -1) == 0)
	local ok, err = pcall(fn)
	assert(vm:syscall("setresuid", -1, 0, -1) == 0)
	if not ok then error(err, 0) end
end

-- --- SIDs ---

-- Returns the bytes of a SID given as "S-1-5-18"; other strings unchanged.
function kacs.sid(text)
	if text:sub(1, 2) ~= "S-" then return text end
	local authority, rest = text:match("^S%-1%-(%d+)(.*)$")
	local subs = {}
	for sub in rest:gmatch("%-(%d+)") do subs[#subs + 1] = pack("u32", tonumber(sub)) end
	return pack("u8 u8 u16be u32be", 1, #subs, 0, tonumber(authority)) .. table.concat(subs)
end

function kacs.sid_text(bytes)
	local revision, n, _, authority = unpack("u8 u8 u16be u32be", bytes)
	local parts = { ("S-%d-%d"):format(revision, authority) }
	for i = 1, n do parts[#parts + 1] = ("%d"):format((unpack("u32", bytes, 4 + 4 * i))) end
	return table.concat(parts, "-")
end

function kacs.user(id) return ("S-1-22-1-%d"):format(id) end

-- --- ACEs, ACLs, descriptors ---

function kacs.ace(kind, mask, sid, flags)
	sid = kacs.sid(sid)
	return pack("u8 u8 u16 u32", kind, flags or 0, 8 + #sid, mask) .. sid
end

function kacs.allow(sid, mask, flags) return kacs.ace(kacs.ALLOWED, mask, sid, flags) end

function kacs.deny(sid, mask, flags) return kacs.ace(kacs.DENIED, mask, sid, flags) end

function kacs.audit(sid, mask) return kacs.ace(kacs.AUDIT, mask, sid) end

-- Returns an ACL made of a list of ACEs. change, { revision =, size =, count =
-- }, makes it malformed.
function kacs.acl(aces, change)
	change = change or {}
	local body = table.concat(aces)
	return pack("u8 u8 u16 u16 u16", change.revision or 2, 0,
		change.size or 8 + #body, change.count or #aces, 0) .. body
end

-- Returns a security descriptor made of { owner =, group =, dacl = list, sacl =
-- list, control = more bits, revision = }. A string in place of a list is the
-- ACL's bytes; dacl = "null" is a null DACL.
function kacs.sd(parts)
	local control = kacs.SELF_RELATIVE | (parts.control or 0)
	local offsets, body = {}, ""
	local function add(part)
		offsets[#offsets + 1] = part and 20 + #body or 0
		body = body .. (part or "")
	end
	local function acl(part) return type(part) == "table" and kacs.acl(part) or part end
	if parts.sacl then control = control | kacs.SACL_PRESENT end
	if parts.dacl then control = control | kacs.DACL_PRESENT end
	add(parts.owner and kacs.sid(parts.owner))
	add(parts.group and kacs.sid(parts.group))
	add(acl(parts.sacl))
	add(parts.dacl ~= "null" and acl(parts.dacl))
	return pack("u8 u8 u16 u32 u32 u32 u32", parts.revision or 1, 0, control, table.unpack(offsets)) .. body
end

-- --- tokens ---

-- Returns the groups part of a spec, made of a list of { sid, flags }.
function kacs.groups(list)
	local bytes = { pack("u32", #list) }
	for _, group in ipairs(list) do
		local sid = kacs.sid(group[1])
		bytes[#bytes + 1] = pack("u32 u32", group[2] or kacs.GROUP_ENABLED, #sid) .. sid
	end
	return table.concat(bytes)
end

function kacs.spec(user, groups) return pack("u32 u32", 1, user) .. (groups and kacs.groups(groups) or "") end

-- Creates a token and returns its descriptor.
function kacs.create(vm, user, groups)
	local fd = vm.kacs:create_token(kacs.spec(user, groups))
	assert(fd >= 0, "create_token: " .. fd)
	return fd
end

-- Calls QUERY once. Returns ret, the length, and the data.
function kacs.query_once(vm, fd, class, room)
	local ret, args, data = vm:ioctl_buf(fd, kacs.QUERY, pack("u32 u32 u64", class, room, 0),
		room > 0 and { { ptr_offset = 8, buf_len = room, output = true } } or {})
	return ret, (unpack("u32", args, 4)), data
end

-- Calls QUERY for the length, then again for the data.
function kacs.query(vm, fd, class)
	local ret, len = kacs.query_once(vm, fd, class, 0)
	assert(ret == 0, "query for a length: " .. ret)
	local _, data
	ret, _, data = kacs.query_once(vm, fd, class, len)
	assert(ret == 0, "query: " .. ret)
	return data
end

function kacs.user_of(vm, fd) return kacs.sid_text(kacs.query(vm, fd, kacs.QUERY_USER)) end

-- Returns the user of the caller's own token.
function kacs.whoami(vm)
	local fd = vm.kacs:open_self_token(0, kacs.TOKEN_QUERY)
	assert(fd >= 0, "open_self_token: " .. fd)
	local user = kacs.user_of(vm, fd)
	vm:syscall("close", fd)
	return user
end

function kacs.statistics(vm, fd)
	local id, origin, kind, groups, tasks, revoked = unpack("u64 u64 u32 u32 u32 u32",
		kacs.query(vm, fd, kacs.QUERY_STATISTICS))
	return { id = id, origin = origin, type = kind, groups = groups, tasks = tasks, revoked = revoked }
end

-- Returns the arguments of vm.kacs:access_check(). Without fd the caller's own
-- token is checked.
function kacs.check_args(fd, sd, desired, change)
	change = change or {}
	return { pack("u32 i32 u64 u32 u32", change.size or 24, fd or -1, 0, change.len or #sd, desired),
		{ ptr_offset = 8, data_len = #sd, data = sd } }
end

-- Checks access. Returns the granted rights, or -errno.
function kacs.check(vm, fd, sd, desired)
	return (vm.kacs:access_check(kacs.check_args(fd, sd, desired)))
end

return kacs
