-- SPDX-License-Identifier: GPL-2.0-only
-- VM objects as a test uses them: from boot to shutdown, and op(), the only way
-- in which a call reaches the guest. The other methods of docs/api.md come from
-- the files in PARTS.

local core = require "provium.core"
local calls = require "provium.calls"
local errors = require "provium.errors"
local kernel_log = require "provium.kernel_log"
local limits = require "provium.limits"
local options = require "provium.options"
local recording = require "provium.recording"
local session = require "provium.session"
local test_log = require "provium.test_log"
local suggest = require "provium.suggest"

local check_string = options.string

local VM = {}

-- Each of these modules returns a table with methods by name.
local PARTS = {
	"kernel_log", "snapshot", "syscall", "calls", "system", "results", "program", "kunit", "modules",
	"leaks", "worker", "async", "job",
}

local MIN_MEMORY = 64 << 20	-- with less memory, neither a kernel nor the agent starts
local SHUTDOWN_TIMEOUT_S = 10
local COARSE_TIMERS = "boot: the kernel could not switch to high-resolution timers, because the host was busy; " ..
	"each sleep takes a multiple of its tick"

local resembles_none = {}	-- set of the names of no method that resemble none

-- A name that is not a method can be that of a module with system calls. A name
-- that resembles a method's is a typing error. The harness asks for absent
-- fields in each test, so a name is compared only once.
function VM.__index(vm, key)
	local method = VM[key]
	if method ~= nil or not rawget(vm, "core") or type(key) ~= "string" then return method end
	local module = calls.module_of(vm, key)
	if not module and not resembles_none[key] then
		local hint = suggest(key, VM)
		if hint ~= "" then error(("a VM has no method \"%s\"%s"):format(key, hint), 2) end
		resembles_none[key] = true
	end
	return module
end

function VM.__tostring(vm) return ("VM (%s)"):format(vm.core:info().profile) end

-- Returns a VM object. core_vm: a VM of provium.core; saved: the manifest of
-- its fixture, or nil. For the log's fields see kernel_log.lua.
local function new_vm(core_vm, saved)
	local vm = setmetatable({
		core = core_vm, channel = 1, timeout = limits.CALL_S,
		calls_in_flight = {},	-- the latest call of async(), by channel
		log = {}, log_from_user = {}, log_next = saved and saved.log_next or 0, log_is_cut = saved ~= nil,
		log_judged = 0, console_read = 0,
		taint = saved and saved.taint or 0, warnings = saved and saved.warnings or 0, nr_complaints = 0,
		console_judged = 0, console_is_final = false,	-- see kernel_log.lua
		has_crashed = false,	-- has its kernel reported an oops or worse?
		is_stuck = false,	-- has it reported a state that lasts, such as a loop?
		has_hung = false,	-- has it reported what it did when the runner gave it up?
		inserted = {},		-- the .ko file of each module that insmod() has inserted, by module name
		inserted_by_test = {},	-- those that the running test has inserted
		removed_functions = {},	-- of the modules that the running test has removed, see leaks.lua
		workers = {},		-- those that spawn() has made in the running test
		made_by = session.test,	-- the test that was running then
		is_kept = false,	-- see keep.lua
		used_by = session.test,	-- the test that made or called the VM last; nil: no test
		killed = false,		-- only a worker can be killed
		dropped = false,	-- true: the VM's test is over, so it is no evidence for others
	}, VM)
	vm.root = vm			-- workers have a field root, too: their VM
	session.vms[#session.vms + 1] = vm
	core_vm:watch_oops(session.watches_oops)
	return vm
end

-- provium.create(profile): returns a VM that has not booted, by default of
-- the profile in use.
function VM.create(profile)
	if profile == nil then profile = session.default_profile() end
	if type(profile) ~= "string" then
		error(("create: profile: expected a name, got %s"):format(type(profile)), 0)
	end
	local vm = new_vm(core.vm(profile))
	local info, home = vm.core:info(), core.home()
	session.depend(info.kernel)
	for _, path in pairs { info.initrd, info.rootfs, home .. "/initramfs/base.cpio" } do session.note(path) end
	return vm
end

-- Returns a clone, which was resumed from the fixture with this manifest.
VM.adopt = new_vm

-- --- boot to shutdown ---

local BOOT_OPTIONS = { memory = true, cpus = true, files = true, disks = true, append = true, timeout = true }

-- Adds a file or folder of the host to the list, with what is in the folder.
local function add_boot_file(list, guest, host)
	list[#list + 1] = { guest = guest, host = host }
	session.depend(host)
	for _, below in ipairs(core.below(host)) do
		local path = host .. "/" .. below
		list[#list + 1] = { guest = guest .. "/" .. below, host = path, in_folder = true }
		if core.identity(path) then session.depend(path) end	-- not a link that leads nowhere
	end
end

local function boot_files(files)
	local list, chosen = {}, files or {}
	for guest in pairs(chosen) do check_string("boot", "files: guest path", guest) end
	for _, guest in ipairs(options.keys(chosen)) do
		local host = check_string("boot", "files: host path", chosen[guest])
		add_boot_file(list, (guest:gsub("(.)/+$", "%1")), (session.find_file(host):gsub("(.)/+$", "%1")))
	end
	return list
end

local DISK_OPTIONS = { path = true, format = true, readonly = true, [1] = true }

local function boot_disks(disks)
	local list = {}
	for i, disk in ipairs(disks or {}) do
		disk = options.check(("boot: disks[%d]"):format(i), disk, DISK_OPTIONS)
		local path = check_string("boot", ("disks[%d]: path"):format(i), disk.path or disk[1])
		list[i] = {
			path = session.find_file(path),
			format = disk.format or "raw", readonly = disk.readonly,
		}
		if session.building then session.depend(list[i].path) end
	end
	return list
end

function VM:boot(opts)
	opts = options.check("boot", opts, BOOT_OPTIONS)
	local cpus = opts.cpus or 1
	if math.type(cpus) ~= "integer" or cpus < 1 or cpus > 255 then
		error(("boot: cpus: expected an integer from 1 to 255, got %s"):format(tostring(cpus)), 0)
	end
	local memory = options.bytes(opts.memory or "512M", "boot: memory")
	if memory < MIN_MEMORY then
		error(("boot: memory: %s is too little; 64M is the least a kernel and the agent start in")
			:format(opts.memory), 0)
	end
	local request = {
		memory = memory, cpus = cpus,
		timeout = options.seconds(opts.timeout or 30, "boot: timeout"),
		append = opts.append and check_string("boot", "append", opts.append),
		files = boot_files(opts.files), disks = boot_disks(opts.disks),
		to_save = session.building ~= nil,
	}
	if session.recordings then recording.record(self, request) end
	local before, waited = core.now(), session.waited
	local ok, err = pcall(limits.wait_at_gate, function()
		self.core:boot(request)
		return self.core:info().waited
	end)
	core.timeline_span("boot", before + session.waited - waited)
	-- Even a boot that fails has chosen an accelerator, which is part of
	-- the record.
	limits.booted(self.core:info())
	if not ok then
		if errors.kind_of(err) == errors.KIND.guest then err.setup = true end
		error(err, 0)
	end
	self.booted_at = self.core:console_size()	-- see evidence.lua
	recording.booted(self)
	session.on_start(self)
	if cpus > 1 and kernel_log.has_coarse_timers(self) then
		test_log.add(session.test and session.test.log or session.log, COARSE_TIMERS)
	end
	return self
end

function VM:shutdown()
	if self.is_kept then return end
	kernel_log.read_before_end(self)
	self.core:shutdown(SHUTDOWN_TIMEOUT_S)
end

function VM:kill()
	if not self.is_kept then self.core:kill() end
end

function VM:is_running() return self.core:info().state == "running" end

-- Returns "vsock" or "serial".
function VM:transport() return self.core:info().link end

function VM:wait_until(fn, opts) return limits.wait_until(fn, opts) end

-- --- calls ---
--
-- label is the call's name in messages: "read_file /x".

-- Returns the label, with the worker's name unless the call is for the VM's own
-- executor.
function VM:full_label(label)
	return self.channel == 1 and label or ("%s on %s"):format(label, tostring(self))
end

-- Raises an error if this channel cannot take a call: one is in flight, or the
-- worker was killed.
function VM:check_free(label)
	local call = self.calls_in_flight[self.channel]
	if call and not call:done() then
		error(("%s: %s is still in flight; wait() for it, or use another worker")
			:format(self:full_label(label), call.label), 0)
	end
	if self.killed then error(("%s: the worker was killed"):format(self:full_label(label)), 0) end
end

-- Sends a request to the executor, waits for the reply and returns it as a
-- table. timeout: seconds or a duration, unscaled; by default vm.timeout.
function VM:op(name, request, label, timeout)
	if self.calls_in_flight[self.channel] or self.killed then self:check_free(label) end
	self.root.used_by = session.test
	if self.channel ~= 1 then label = self:full_label(label) end
	local reply, fail = self.core:call(name, request, label, self.channel, limits.of_call(self, timeout))
	return reply or errors.raise_fail_message(fail, label)
end

-- As VM:op(), but calls take(stdout, stderr) with the bytes of the output as
-- they come; the reply has the rest.
function VM:op_with_output(name, request, label, timeout, take)
	self:check_free(label)
	self.root.used_by = session.test
	if self.channel ~= 1 then label = self:full_label(label) end
	local timeout_s, blocked_s = limits.of_call(self, timeout)
	local tag = self.core:submit(name, request, label, self.channel)
	while true do
		local reply, first, second = self.core:next(tag, label, timeout_s, blocked_s)
		if reply ~= false then return reply or errors.raise_fail_message(first, label) end
		take(first, second)
	end
end

-- As VM:op(), but sends the request to the supervisor, which answers even while
-- every executor is busy.
function VM:supervisor_op(name, request, label, timeout)
	local reply, fail = self.core:call(name, request, label, 0, timeout or self.timeout)
	return reply or errors.raise_fail_message(fail, label)
end

for _, part in ipairs(PARTS) do
	for name, method in pairs(require("provium." .. part).methods) do
		if VM[name] ~= nil then error(("provium.%s: a VM has a method %s already"):format(part, name)) end
		VM[name] = method
	end
end

return VM
