-- SPDX-License-Identifier: GPL-2.0-only
-- A VM as a test sees it: its life, and the one way a call goes to its guest.
-- The methods of docs/api.md are in the files that are loaded at the end.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"

local check_string = options.string

local VM = {}
VM.__index = VM

-- harness: what this file belongs to; see harness.lua.
local harness

function VM.attach(h)
	harness = h
	VM.harness = h
end

function VM.create(profile)
	if type(profile) ~= "string" then
		error(("create: profile: expected a name, got %s"):format(type(profile)), 0)
	end
	-- root: the VM of a worker; flights: by channel, the call that is under way there.
	local vm = setmetatable({ core = core.vm(profile), channel = 1, timeout = 60, log = {}, log_next = 0, flights = {},
		log_judged = 0, log_is_cut = false, dropped = false }, VM)
	vm.root = vm
	harness.vms[#harness.vms + 1] = vm
	harness.depend(vm.core:info().kernel)
	return vm
end

-- A VM that was resumed; what stands in its kernel log before log_next is its fixture's.
function VM.adopt(vm, log_next)
	vm = setmetatable({ core = vm, channel = 1, timeout = 60, log = {}, log_next = log_next, log_is_cut = true,
		flights = {}, log_judged = 0, dropped = false }, VM)
	vm.root = vm
	harness.vms[#harness.vms + 1] = vm
	return vm
end

-- --- life ---

local BOOT_OPTIONS = { memory = true, cpus = true, files = true, disks = true, append = true, timeout = true }

local function boot_files(files)
	local list = {}
	for guest, host in pairs(files or {}) do
		list[#list + 1] = {
			guest = check_string("boot", "files: guest path", guest),
			host = harness.find_file(check_string("boot", "files: host path", host)),
		}
		harness.depend(list[#list].host)
	end
	table.sort(list, function(a, b) return a.guest < b.guest end)
	return list
end

local DISK_OPTIONS = { path = true, format = true, readonly = true, [1] = true }

local function boot_disks(disks)
	local list = {}
	for i, disk in ipairs(disks or {}) do
		disk = options.check(("boot: disks[%d]"):format(i), disk, DISK_OPTIONS)
		list[i] = {
			path = harness.find_file(check_string("boot", ("disks[%d]: path"):format(i), disk.path or disk[1])),
			format = disk.format or "raw", readonly = disk.readonly,
		}
		if harness.building then harness.depend(list[i].path) end
	end
	return list
end

function VM:boot(opts)
	opts = options.check("boot", opts, BOOT_OPTIONS)
	local cpus = opts.cpus or 1
	if math.type(cpus) ~= "integer" or cpus < 1 or cpus > 255 then
		error(("boot: cpus: expected an integer of 1 to 255, got %s"):format(tostring(cpus)), 0)
	end
	local memory = options.bytes(opts.memory or "512M", "boot: memory")
	if memory < 64 << 20 then
		error(("boot: memory: %s is too little; 64M is the least a kernel and the agent start in")
			:format(opts.memory), 0)
	end
	local request = {
		memory = memory, cpus = cpus,
		timeout = options.seconds(opts.timeout or 30, "boot: timeout"),
		append = opts.append and check_string("boot", "append", opts.append),
		files = boot_files(opts.files), disks = boot_disks(opts.disks),
		to_save = harness.building ~= nil,
	}
	local ok, err = pcall(harness.take_turn, function()
		self.core:boot(request)
		return self.core:info().waited
	end)
	harness.booted(self.core:info())	-- what it ran on, or would have
	if not ok then error(err, 0) end
	return self
end

function VM:shutdown() self.core:shutdown(10) end

function VM:kill() self.core:kill() end

function VM:is_running() return self.core:info().state == "running" end

-- What its agent is spoken to by: "vsock" or "serial".
function VM:transport() return self.core:info().link end

-- --- calls ---

-- A fail frame becomes an error: "read_file /x: ENOENT".
function VM.result(reply, fail, what)
	if reply then return reply end
	if fail.err ~= 0 then
		local errno = core.errno[fail.err] or ("errno " .. fail.err)
		what = fail.text ~= "" and not what:find(fail.text, 1, true) and what .. ": " .. fail.text or what
		errors.raise_errno(errno, "%s: %s", what, errno)
	end
	errors.raise(errors.KIND.op, "%s: %s", what, fail.text)
end

-- Who answers, for messages: nothing for the VM's own executor.
function VM:label(what)
	return self.channel == 1 and what or ("%s on %s"):format(what, tostring(self))
end

-- Raises if a call is under way on this channel, or its worker was killed.
function VM:check_free(what)
	local flight = self.flights[self.channel]
	if flight and not flight:done() then
		error(("%s: %s is still under way; wait() for it, or use another worker"):format(self:label(what), flight.what), 0)
	end
	if self.killed then error(("%s: it was killed"):format(self:label(what)), 0) end
end

-- One op, there and back.
function VM:op(name, request, what, timeout)
	if self.flights[self.channel] or self.killed then self:check_free(what) end
	if self.channel ~= 1 then what = self:label(what) end
	local reply, fail = self.core:call(name, request, what, self.channel, options.seconds(timeout or self.timeout, "timeout"))
	return reply or VM.result(nil, fail, what)
end

-- One of the supervisor's, which answers whatever the executors are at.
function VM:supervisor_op(name, request, what, timeout)
	local reply, fail = self.core:call(name, request, what, 0, timeout or self.timeout)
	return reply or VM.result(nil, fail, what)
end

-- --- the kernel log: every line crosses the link once ---

function VM:read_log()
	self = self.root
	local reply = self:supervisor_op("kmsg", { from = self.log_next }, "dmesg")
	self.log_next = reply.next
	for line in reply.stream1:gmatch("[^\n]+") do self.log[#self.log + 1] = line end
	return self.log
end

-- --- snapshots: the kernel log goes back, too ---

function VM:snapshot()
	if self.channel ~= 1 then error("snapshot: expected a VM, got a worker of one", 0) end
	self:read_log()
	local core_snapshot, log_next = self.core:snapshot()
	self:read_log()		-- the mark; what follows it is after the snapshot
	return { of = self, core = core_snapshot, log_next = log_next, log = #self.log, log_is_cut = self.log_is_cut }
end

function VM:restore(snapshot)
	if type(snapshot) ~= "table" or snapshot.of ~= self then
		error(("restore: expected a snapshot of this VM, got %s"):format(type(snapshot) == "table" and
			"one of another" or type(snapshot)), 0)
	end
	harness.hear()
	self.core:restore(snapshot.core)
	for channel in pairs(self.flights) do self.flights[channel] = nil end
	for i = #self.log, snapshot.log + 1, -1 do self.log[i] = nil end
	self.log_next, self.log_is_cut = snapshot.log_next + 1, snapshot.log_is_cut
	self.log_judged = math.min(self.log_judged, snapshot.log)
end

-- The part from before the resume, fetched when somebody asks for it.
local function complete_log(vm)
	local since = #vm:read_log()
	vm.log, vm.log_next, vm.log_is_cut = {}, 0, false
	vm.log_judged = vm.log_judged + #vm:read_log() - since
end

function VM:dmesg(pattern)
	local lines = {}
	self = self.root
	if self.log_is_cut then complete_log(self) end
	for _, line in ipairs(self:read_log()) do
		if not pattern or line:find(pattern) then lines[#lines + 1] = line .. "\n" end
	end
	return table.concat(lines)
end

function VM:wait_until(fn, opts) return harness.wait_until(fn, opts) end

for _, part in ipairs { "syscall", "calls", "system", "worker", "flight", "job" } do
	require("provium." .. part)(VM)
end

return VM
