-- SPDX-License-Identifier: GPL-2.0-only
-- Workers: processes and threads in the guest. Each has its own executor and
-- channel, and the identity that spawn() was called with.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"

local CAPS = {	-- include/uapi/linux/capability.h
	[0] = "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}
local CAP_NUMBERS = {}
for number, name in pairs(CAPS) do CAP_NUMBERS[name] = number end

local CAPABILITY_VERSION_3 = 0x20080522
local PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 8, 24, 38, 47
local PR_CAP_AMBIENT_RAISE = 2
local END_WORKER_TIMEOUT_S = 10

local SPAWN_OPTIONS = { thread = true, uid = true, gid = true, groups = true, caps = true, no_new_privs = true }

local methods, Worker = {}, {}

-- A worker lacks most fields and methods; the ones of its VM are used instead.
local META = {
	__index = function(worker, key)
		if Worker[key] ~= nil then return Worker[key] end
		local root = rawget(worker, "root")
		local of_vm = rawget(root, key)
		if of_vm ~= nil then return of_vm end
		return getmetatable(root).__index(worker, key)
	end,
	__tostring = function(worker) return ("worker %d"):format(worker.channel - 1) end,
}

for _, method in ipairs { "boot", "shutdown", "spawn", "snapshot", "restore" } do
	Worker[method] = function(worker)
		error(("%s: %s has no %s(); call it on the VM"):format(method, tostring(worker), method), 0)
	end
end

function Worker:kill()
	if self.killed then return end
	if self.root:is_running() then
		self.root:supervisor_op("end_worker", { channel = self.channel },
			("kill %s"):format(tostring(self)), END_WORKER_TIMEOUT_S)
	end
	self.killed = true
end

-- --- the identity that spawn() gives a worker ---

local function check_id(option, v)
	if math.type(v) ~= "integer" or v < 0 or v > 0xffffffff then
		error(("spawn: %s: expected a number from 0 to 4294967295, got %s"):format(option, tostring(v)), 0)
	end
	return v
end

-- Returns the number of a capability, given as "CAP_SYS_ADMIN", "sys_admin" or
-- the number.
local function cap_number(v)
	local name = type(v) == "string" and v:lower():gsub("^cap_", "")
	local number = name and CAP_NUMBERS[name] or math.type(v) == "integer" and v >= 0 and v < 64 and v
	if not number then
		error(("spawn: caps: expected capabilities like \"CAP_SYS_ADMIN\", got \"%s\""):format(tostring(v)), 0)
	end
	return number
end

local function check_list(option, v)
	if type(v) ~= "table" then error(("spawn: %s: expected a list, got %s"):format(option, type(v)), 0) end
	return v
end

-- Returns the calls that give a worker its identity, each as { option, method,
-- arguments… }. They are ordered so that each privilege is kept until the last
-- call that needs it.
local function identity_steps(opts)
	local steps = {}
	local function add(option, ...) steps[#steps + 1] = { option, ... } end
	local caps, set = opts.caps and {}, 0
	for i, cap in ipairs(caps and check_list("caps", opts.caps) or {}) do
		caps[i] = cap_number(cap)
		set = set | 1 << caps[i]
	end
	if opts.groups then
		local groups = ""
		for _, gid in ipairs(check_list("groups", opts.groups)) do
			groups = groups .. ("I4"):pack(check_id("groups", gid))
		end
		add("groups", "syscall_buf", "setgroups", 1, groups, #groups // 4, 0)
	end
	if opts.gid then
		local gid = check_id("gid", opts.gid)
		add("gid", "syscall", "setresgid", gid, gid, gid)
	end
	-- Without this, a program that a worker executes as root would get all
	-- capabilities.
	for cap = 0, caps and #CAPS or -1 do
		if set & 1 << cap == 0 then add("bounding", "syscall", "prctl", PR_CAPBSET_DROP, cap, 0, 0, 0) end
	end
	if caps then add("caps", "syscall", "prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0) end
	if opts.uid then
		local uid = check_id("uid", opts.uid)
		add("uid", "syscall", "setresuid", uid, uid, uid)
	end
	if caps then
		local low, high = set & 0xffffffff, set >> 32
		add("caps", "syscall_bufs", "capset", { [0] = ("I4i4"):pack(CAPABILITY_VERSION_3, 0),
			[1] = ("I4I4I4I4I4I4"):pack(low, low, low, high, high, high) }, 0, 0)
		for _, cap in ipairs(caps) do
			add("caps", "syscall", "prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0)
		end
	end
	if opts.no_new_privs then add("no_new_privs", "syscall", "prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) end
	return steps
end

local function take_identity(worker, steps)
	local results = worker:batch(function(b)
		for _, step in ipairs(steps) do b[step[2]](b, table.unpack(step, 3)) end
	end)
	for i, result in ipairs(results) do
		local ret = result[1]
		-- EINVAL: the kernel does not know that capability yet.
		if ret < 0 and not (steps[i][1] == "bounding" and core.errno[-ret] == "EINVAL") then
			worker:kill()
			local errno = core.errno[-ret]
			errors.raise_errno(errno, "spawn: %s: %s: %s", steps[i][1], steps[i][3], errno or ret)
		end
	end
end

function methods:spawn(opts)
	opts = options.check("spawn", opts, SPAWN_OPTIONS)
	local steps = identity_steps(opts)
	local reply = self:op("spawn", { thread = opts.thread and 1 or 0 }, "spawn")
	local worker = setmetatable({
		root = self, core = self.core, channel = reply.channel, pid = reply.pid, tid = reply.tid,
		thread = opts.thread and true or false, killed = false,
	}, META)
	table.insert(self.workers, worker)
	-- A call that is still listed here belonged to an earlier worker with
	-- the same channel.
	self.calls_in_flight[worker.channel] = nil
	if #steps > 0 then take_identity(worker, steps) end
	return worker
end

return { methods = methods }
