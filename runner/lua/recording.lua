-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --record: each VM that boots is recorded, and the recordings are
-- kept if the file fails. replay.lua reads them.
--
-- The recording of a VM is a folder: the log (QEMU's), console.log, modules/
-- for gdb, and recording.json with what replay.lua needs. vm.recorded is the
-- part of it that is known while the VM runs.

local chaos = require "provium.chaos"
local core = require "provium.core"
local errors = require "provium.errors"
local read_file = require "provium.read_file"
local session = require "provium.session"
local show = require "provium.show"

local recording = {}

recording.FORMAT = 2

-- An instruction takes 2^SHIFT ns of a recorded guest's time.
local SHIFT = 1
recording.MAX_SHIFT = 10	-- QEMU's limit

local KALLSYMS_TIMEOUT_S = 5

local function refuse(fmt, ...) errors.raise(errors.KIND.user, fmt, ...) end

-- Removes the recordings of an earlier run of this file.
local function remove_old(dir)
	for _, name in ipairs(core.list(dir)) do
		if name:find("^vm%-%d+$") then core.command { "rm", "-rf", ("%s/%s"):format(dir, name) } end
	end
	os.remove(dir)
end

-- To be called when the file begins.
function recording.begin()
	session.recordings = session.output_folder("record")
	session.nr_recorded = 0
	session.recorded_failures = {}
	remove_old(session.recordings)
end

-- Makes a VM that is about to boot a recorded one. request: its options, see
-- vm:boot().
function recording.record(vm, request)
	local info = vm.core:info()
	local function check(is_bad, what, instead)
		if not is_bad then return end
		refuse("boot: %s cannot be recorded, but only a microvm with one processor and no disks; leave out --record, or %s",
			what, instead)
	end
	check(request.cpus > 1, ("a VM with %d processors"):format(request.cpus), "cpus")
	check(#request.disks > 0, "a VM with disks", "disks")
	check(info.machine ~= "microvm", ("profile %s, whose machine is %s,"):format(info.profile, info.machine),
		"use a profile with machine = microvm")
	check(info.rootfs or info.share, ("profile %s, whose root file system is on the host,"):format(info.profile),
		"use another profile")
	local _, home = core.home()
	local shift = SHIFT
	session.nr_recorded = session.nr_recorded + 1
	if session.chaos then
		local plan = chaos.plan(session.chaos, session.nr_recorded)
		shift = plan.shift
		request.append = request.append and ("%s %s"):format(request.append, plan.append) or plan.append
	end
	vm.core:record(home .. "/record", shift)
	vm.recorded = {
		folder = ("%s/vm-%d"):format(session.recordings, session.nr_recorded),
		options = request, shift = shift, profile = info.profile, events = {}, failed = false,
	}
end

-- Adds an event at the present instruction of the guest.
local function add_event(vm, event, title)
	local ok, at = pcall(vm.core.icount, vm.core)
	if ok then table.insert(vm.recorded.events, { event = event, title = title, at = at }) end
end

-- To be called when a VM has booted.
function recording.booted(vm)
	if not vm.recorded then return end
	add_event(vm, "booted", "the boot")
	if session.test then add_event(vm, "test", session.test.name) end
end

-- To be called when a test begins.
function recording.test_begins(t)
	for _, vm in ipairs(session.vms) do
		if vm.recorded and vm:is_running() then add_event(vm, "test", t.name) end
	end
end

-- To be called when a test's function has ended, before further calls are made:
-- notes the last call of each VM, in case the test has failed.
function recording.test_ends()
	for _, vm in ipairs(session.vms) do
		if vm.recorded then vm.recorded.last_label, vm.recorded.last_at = vm.core:last_call() end
	end
end

-- To be called when a test or the file has failed. item: the record of it,
-- which gets the recording of the VM that was used last.
function recording.failed(item, complaints)
	local last
	for _, vm in ipairs(session.vms) do
		local r = vm.recorded
		if r then
			if not r.failed then table.insert(session.recorded_failures, vm) end
			r.failed = true
			if vm.used_by == session.test then last = vm end
			if r.last_at and vm.used_by == session.test then
				table.insert(r.events, { event = "failing-call", title = r.last_label, at = r.last_at })
			end
			for _, complaint in ipairs(complaints or {}) do
				if complaint.vm == vm then
					local event = complaint.panic and "panic" or "complaint"
					table.insert(r.events, { event = event, title = complaint.title })
				end
			end
		end
	end
	if last and last:is_running() then
		local ok, found = pcall(last.exec, last, "grep -m1 ' _text$' /proc/kallsyms", { timeout = KALLSYMS_TIMEOUT_S })
		last.recorded.text_at = ok and found.stdout:match("^%x+") or nil
	end
	if last then item.recording = session.short_path(last.recorded.folder) end
end

-- Returns a copy in which all strings are UTF-8.
local function clean(v)
	if type(v) == "string" then return show.clean(v) end
	if type(v) ~= "table" then return v end
	local out = {}
	for k, item in pairs(v) do out[k] = clean(item) end
	return out
end

-- Returns the paths of the modules that the guest can have inserted, with
-- debugging information. They are kept, because the user will change them.
local function module_files(vm)
	local paths, debug = {}, vm.core:info().debug
	local function add(path)
		path = debug and core.realpath(("%s/%s"):format(debug, path:match("[^/]+$")))
		if path and not paths[path] then
			paths[path] = true
			paths[#paths + 1] = path
		end
	end
	for path in core.sent_modules():gmatch("[^\n]+") do add(path) end
	for _, path in pairs(vm.inserted) do add(path) end
	return paths
end

-- Writes the files of one recording. Raises an error.
local function write(vm)
	local r = vm.recorded
	local function put(name, data)
		local ok, reason = core.write(("%s/%s"):format(r.folder, name), data)
		if not ok then error(reason, 0) end
	end
	local at_end = vm.core:keep_recording(r.folder, "log")
	put("console.log", vm.core:console())
	table.insert(r.events, { event = "end", title = "the end", at = at_end })
	for _, path in ipairs(module_files(vm)) do put("modules/" .. path:match("[^/]+$"), read_file(path)) end
	put("recording.json", core.to_json(clean {
		format = recording.FORMAT, file = core.realpath(session.path) or session.path, profile = r.profile,
		text_at = r.text_at,
		shift = r.shift,
		options = { memory = r.options.memory, append = r.options.append, files = r.options.files },
		inputs = vm.core:inputs(), events = r.events, log = core.hash_file(r.folder .. "/log"),
	}))
end

-- To be called when all VMs have ended: keeps the recordings of those that were
-- used by a failed test.
function recording.keep()
	for _, vm in ipairs(session.recorded_failures or {}) do
		local ok, reason = pcall(write, vm)
		if not ok then
			io.stderr:write(("provium test: --record: no recording is kept in %s: %s\n"):format(
				vm.recorded.folder, tostring(reason)))
			remove_old(session.recordings)
			return
		end
	end
end

return recording
