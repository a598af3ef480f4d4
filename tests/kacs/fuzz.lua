-- SPDX-License-Identifier: GPL-2.0-only
-- Random arguments for every call and ioctl of kacs, from a fixed seed: nothing
-- crashes or leaks, and no call returns an error that docs/kacs.md does not
-- list.

local C = provium.const
local kacs = require "kacs"
local pack = provium.pack

provium.timeout = "10m"

local vm, test = kacs.boot { cpus = 2 }

local CALLS = tonumber(os.getenv("KACS_CALLS")) or 100000
local SEED = tonumber(os.getenv("KACS_SEED")) or 3
local BATCH = 500

local random = math.random
math.randomseed(SEED)

local function pick(list) return list[random(#list)] end

-- --- random values ---

local EDGES = { 0, 1, 2, 3, 4, 7, 8, 15, 16, 20, 23, 24, 255, 0x1000, 65535, 65536, 65537, 0x7fffffff, 0x80000000,
	0xffffffff, 0x100000000, math.maxinteger, math.mininteger, -1, -100 }
local POINTERS = { 0, 1, 8, 0xfff, 0x7fffffffe000, 0x7fffffffffff, 0x800000000000, -1, -4096, math.mininteger }

local function u32() return random(4) == 1 and random(0, 0xffffffff) or pick(EDGES) & 0xffffffff end

local function word() return random(4) == 1 and random(0) or pick(EDGES) end

local function fd() return random(10) == 1 and pick { -1, -100, 999 } or random(3, 16) end

local function noise(n)
	local bytes = {}
	for i = 1, n do bytes[i] = string.char(random(0, 255)) end
	return table.concat(bytes)
end

-- Returns the string with a few bytes changed, cut off or added.
local function mutate(s)
	for _ = 1, random(0, 3) do
		local at = random(0, #s)
		local kind = random(4)
		if kind == 1 then
			s = s:sub(1, at)
		elseif kind == 2 then
			s = s .. noise(random(1, 8))
		else
			local byte = kind == 3 and noise(1) or pick { "\0", "\1", "\x7f", "\x80", "\xff" }
			s = s:sub(1, at) .. byte .. s:sub(at + 2)
		end
	end
	return s
end

-- --- nearly valid arguments ---

local SIDS = { kacs.SYSTEM, kacs.EVERYONE, kacs.ADMINISTRATORS, kacs.user(1), "S-1-5-21-1-2-3-4-5-6-7-8-9-10-11-12-13-14", "S-1-5" }

local function aces(kinds)
	local list = {}
	for i = 1, random(0, 4) do list[i] = kacs.ace(pick(kinds), u32(), pick(SIDS), pick { 0, 0, 8, 0x10 }) end
	return list
end

local function descriptor()
	return mutate(kacs.sd {
		owner = random(2) == 1 and pick(SIDS) or nil,
		group = random(2) == 1 and pick(SIDS) or nil,
		dacl = pick { false, "null", aces { 0, 1 }, aces { 0, 1 } } or nil,
		sacl = random(4) == 1 and aces { 2, 0x11 } or nil,
	})
end

local function spec()
	local groups = {}
	for i = 1, random(0, 4) do groups[i] = { pick(SIDS), random(0, 0x1f) } end
	return mutate(kacs.spec(random(0, 9), groups))
end

local function sids()
	local list = {}
	for i = 1, random(0, 5) do list[i] = kacs.sid(pick(SIDS)) end
	return mutate(table.concat(list))
end

local PATHS = {
	"/tmp/fuzz/a", "/tmp/fuzz/b", "/tmp/fuzz", "/tmp/fuzz/link", "/tmp/fuzz/a/x", "a", "", "/",
	"/proc/version", ("x"):rep(300), "/tmp/none",
}
local FLAGS = { 0, 0, 0, C.AT_SYMLINK_NOFOLLOW, C.AT_EMPTY_PATH, C.AT_SYMLINK_NOFOLLOW | C.AT_EMPTY_PATH, 1 }

local calls = {
	open_self_token = function() return pick { 0, 0, 0, u32() }, pick { 0, 8, 0xf, 0xf, u32() } end,
	open_process_token = function()
		return pick { 0, 1, 2, random(0, 400), -1, 0x7fffffff }, pick { 0xf, u32() }
	end,
	create_token = spec,
	install_token = fd,
	revoke_token = fd,
	wait_token = function() return fd(), random(0, 1) end,
	get_sd = function()
		return pick { C.AT_FDCWD, fd() }, pick(PATHS), pick { 0xf, random(0, 16) }, random(0, 200), pick(FLAGS)
	end,
	set_sd = function()
		return pick { C.AT_FDCWD, fd() }, pick(PATHS), pick { 0xf, random(0, 16) }, descriptor(), pick(FLAGS)
	end,
	access_check = function()
		local sd = descriptor()
		return kacs.check_args(pick { -1, fd() }, sd, u32(),
			{ size = pick { 24, 24, 24, u32() }, len = pick { #sd, #sd, u32() } })
	end,
}
local NAMES = {}
for name in kacs.sorted(calls) do NAMES[#NAMES + 1] = name end

-- --- random calls ---
--
-- Each function adds one call to the batch b, and returns its name, or nil for
-- an ioctl.

-- Returns a call with any arguments, but without a long sleep, and without a
-- pointer into the executor's memory.
local function raw_call(b)
	local name = pick(NAMES)
	local args = {}
	for i = 1, 6 do args[i] = random(2) == 1 and pick(POINTERS) or word() end
	if random(2) == 1 then args[1] = fd() end
	if name == "wait_token" then args[2] = random(0, 1) end
	b:syscall("kacs_" .. name, table.unpack(args))
	return name
end

local function typed_call(b)
	local name = pick(NAMES)
	b:module_call("kacs", name, calls[name]())
	return name
end

local IOCTLS = {
	function()
		return kacs.QUERY, pack("u32 u32 u64", random(0, 5), pick { 0, 16, 64, u32() }, 0),
			{ { ptr_offset = 8, buf_len = random(0, 80), output = true } }
	end,
	function()
		local list = sids()
		return kacs.MEMBERS, pack("u32 u32 x16", pick { #list, #list, u32() }, pick { 20, u32() }),
			{ { ptr_offset = 8, buf_len = #list, data = list },
			{ ptr_offset = 16, buf_len = 20, output = true } }
	end,
	function()
		local sd = descriptor()
		return kacs.CHECK, pack("u32 u32 x8", pick { 0, 0, 0, u32() }, 0),
			{ { ptr_offset = 8, buf_len = 16, data = pack("u32 u32 x8", pick { #sd, #sd, u32() }, u32()) },
			{ parent = 1, ptr_offset = 8, buf_len = #sd, data = sd } }
	end,
	function() return kacs.DUPLICATE, pack("u32 u32", pick { 8, 0xf, u32() }, pick { 0, 0, u32() }), {} end,
	function() return provium.IOWR("K", random(0, 255), pick { 0, 8, 16, 24 }), noise(24), {} end,
}

local function ioctl(b)
	if random(4) == 1 then
		b:syscall("ioctl", fd(), pick { kacs.QUERY, kacs.MEMBERS, kacs.CHECK, kacs.DUPLICATE, u32() },
			pick(POINTERS))
	else
		local cmd, struct, specs = pick(IOCTLS)()
		b:ioctl_buf(fd(), cmd, struct, specs)
	end
end

local function random_call(b)
	local kind = random(10)
	if kind <= 3 then return ioctl(b) end
	return (kind <= 5 and raw_call or typed_call)(b)
end

-- --- rounds of random calls ---

local promised = {}
for name, row in pairs(vm.kacs and vm.kacs.rows or {}) do
	promised[name] = { ENOMEM = true }
	for _, errno in ipairs(row.errors) do promised[name][errno] = true end
end

local function judge(name, result)
	assert(not result.err, result.err and result.err.message)
	local ret = result[1]
	if ret >= 0 then return end
	local errno = provium.errno[-ret]
	assert(errno, ("%s returned %d"):format(name or "ioctl", ret))
	assert(not name or promised[name][errno], ("%s returned %s, which docs/kacs.md does not list"):format(name or "", errno))
end

-- Closes all descriptors but 0 to 2, and opens a few tokens and one file.
local function tidy(w)
	w:syscall("close_range", 3, 999, 0)
	w:syscall_buf("openat", 1, "/tmp/fuzz\0", C.AT_FDCWD, 0, C.O_DIRECTORY)
	for _, access in ipairs { 0xf, 8, 0 } do w.kacs:open_self_token(0, access) end
	w.kacs:create_token(kacs.spec(1, { { kacs.ADMINISTRATORS } }))
end

local seen			-- "CALL ERRNO" → how often it was returned

local function round(w, n)
	local names = {}
	tidy(w)
	local results = w:batch(function(b)
		for i = 1, n do names[i] = random_call(b) or false end
	end)
	for i, result in ipairs(results) do
		judge(names[i], result)
		local what = ("%s %s"):format(names[i] or "ioctl", result[1] >= 0 and "ok" or provium.errno[-result[1]])
		seen[what] = (seen[what] or 0) + 1
	end
end

-- Makes all the random calls, once for both tests that need them.
local function fuzz()
		if seen then return end
		seen = {}
		assert(vm:exec("mkdir -m 777 /tmp/fuzz; cd /tmp/fuzz; echo >a; echo >b; chown 1000 b; ln -s a link").ok)
	local workers = { vm:spawn(), vm:spawn { uid = 1000 }, vm:spawn { thread = true } }
	for i = 0, CALLS - 1, BATCH do round(workers[i // BATCH % #workers + 1], math.min(BATCH, CALLS - i)) end
	for _, w in ipairs(workers) do w:kill() end
	vm:syscall("close_range", 3, 999, 0)
end

test(("%d random calls, by root and by a user, return listed errors only (seed %d)"):format(CALLS, SEED),
	{ timeout = "9m" }, fuzz)

test("random calls include a success of every call and the likely errors", { timeout = "9m" }, function()
	fuzz()
	for name in kacs.sorted(calls) do assert(seen[name .. " ok"], name .. " never succeeded") end
	for _, what in ipairs {
		"create_token EPERM", "create_token EINVAL", "set_sd EINVAL", "access_check EACCES", "get_sd EFAULT",
		"install_token EBADF", "revoke_token EPERM", "ioctl EFAULT", "ioctl ERANGE",
	} do
		assert(seen[what], what .. " was never returned")
	end
end)

-- On a kernel with kmemleak (PROFILE=debug), kmemleak must find no leak,
-- either.
test("random calls leave no token", function()
	vm:wait_until(function() return kacs.counts(vm).tokens == 0 end, { interval = 0.01, desc = "no tokens" })
	assert_eq({ tokens = 0, files = 0, tasks = 0 }, kacs.counts(vm))
	vm:mount_vfs()
	local path = "/sys/kernel/debug/kmemleak"
	if not vm:exec("test -e " .. path).ok then return end
	for _ = 1, 2 do vm:write_file(path, "scan") end
	assert(not vm:read_file(path):find("kacs", 1, true), vm:read_file(path))
end)

test("kacs can be unloaded after random calls", function()
	vm:rmmod("kacs")
	assert_eq(-38, vm:syscall(1000, 0, 8))
end)
