-- SPDX-License-Identifier: GPL-2.0-only
-- The session: the test file that is run, with its folder, VMs, inputs and
-- tests. A Lua state runs one file, so the data are fields of the module
-- itself.

local core = require "provium.core"

local session = {}

local FILE_TIMEOUT_S = 300

-- Starts the session of the file at path. opts: as for harness.run(); also
-- limit, the file's time limit in seconds on a machine of slowness 1, and
-- built_in: path is not a file.
function session.begin(path, opts)
	opts = opts or {}
	session.path = path
	session.dir = path:match("^(.*)/[^/]*$") or "."
	session.inputs, session.identities = {}, {}	-- by path, see depend() and note()
	session.vms = {}			-- oldest first; see forget_dead_vms()
	session.building = nil			-- while a fixture is built: { parents =, chain = }
	session.used_default_profile = false	-- the file has read provium.profile
	session.accel, session.release = nil, nil	-- those of the VM that booted last
	session.kernels = {}			-- "PROFILE RELEASE" of all VMs, each once

	session.start = core.now()
	session.limit = opts.limit or FILE_TIMEOUT_S
	session.slowness = 1			-- factor for time limits, known after the first boot
	session.waited = 0			-- seconds spent waiting at the gate

	session.tests = {}			-- records of the tests that have begun
	session.returned = nil			-- what the file itself returned
	session.lines = {}			-- the line of each test()'s call, by test name
	session.test = nil			-- the record of the running test
	session.told_interrupt = false		-- see record.tell_interrupt()
	session.stopped = false			-- no further test of the file may run
	session.notes = {}			-- texts for the file's report
	session.log = {}			-- text that log() got outside of tests
	session.keep_logs = false		-- something failed: keep the VMs' consoles
	session.logs, session.logs_error = nil, nil	-- the folder of the logs, or why they could not be kept
	session.filter, session.only = opts.filter, opts.only
	session.fail_fast = opts.fail_fast
	session.on_failure = opts.on_failure	-- "shell", "repl", "gdb", "keep", "ask" or nil
	session.on_error, session.variables = nil, nil	-- see repl.lua
	session.under_gdb = opts.gdb		-- no time limits
	session.on_start = opts.on_start or function() end	-- is called with each VM that runs now
	session.recordings = nil		-- with --record: the folder for the recordings
	session.chaos = opts.chaos		-- with --chaos: the seed
	session.tell = opts.tell or function() end

	session.watches_oops = false		-- calls end soon once a kernel has reported an oops
	session.ignored = {}			-- from provium.ignore(): { pattern, reason, count }
	-- What kernel_log.take_complaints() has returned: before a restore, and
	-- while no test was running.
	session.kept_complaints, session.kept_problems = {}, {}
	session.outside_complaints, session.outside_problems = {}, {}

	if not opts.built_in then session.depend(path) end
end

-- Notes the identity of the host file at path, before its first use. If one of
-- the files has changed since, a fixture is not saved, and a verdict is not
-- kept.
function session.note(path)
	session.identities[path] = session.identities[path] or core.identity(path)
end

-- Records that the file's verdict depends on the host file at path. Code that
-- reads the file before it calls this calls note() first. kind: "fixture" for
-- an input of a fixture that is used, else "file".
function session.depend(path, kind)
	session.note(path)
	session.inputs[path] = session.inputs[path] or kind or "file"
end

-- Returns the name of the profile in use. Notes that the file has asked for it.
function session.default_profile()
	session.used_default_profile = true
	return core.default_profile()
end

-- Returns the sorted paths of all inputs, or of those of one kind.
function session.input_paths(kind)
	local paths = {}
	for path in core.sent_modules():gmatch("[^\n]+") do session.depend(path) end
	for path, its_kind in pairs(session.inputs) do
		if not kind or its_kind == kind then paths[#paths + 1] = path end
	end
	table.sort(paths)
	return paths
end

-- Returns the first of these inputs that has changed since note(), or nil.
function session.changed_input(paths)
	for _, path in ipairs(paths) do
		local identity = core.identity(path)
		if identity and identity ~= session.identities[path] then return path end
	end
end

-- Returns the path of a host file that a test names: relative to the test's
-- folder if the file exists there, else relative to the current folder.
function session.find_file(path)
	if path:sub(1, 1) == "/" then return path end
	local beside = session.dir .. "/" .. path
	local file = io.open(beside, "rb")
	if file then file:close() end
	return file and beside or path
end

-- Returns an absolute path, relative to the current folder if it is below that.
function session.short_path(path)
	local here = core.realpath(".") .. "/"
	return path:sub(1, #here) == here and path:sub(#here + 1) or path
end

-- Forgets the VMs that have ended, so that Lua can free them.
function session.forget_dead_vms()
	local kept = {}
	for _, vm in ipairs(session.vms) do
		local state = vm.core:info().state
		if state ~= "dead" and state ~= "shut down" then kept[#kept + 1] = vm end
	end
	session.vms = kept
end

-- Returns the folder for what this kind of output keeps of the file: out/KIND/
-- and the file's path, which is relative to the current folder if the file is
-- below it. So every file has its own folder.
function session.output_folder(kind)
	local _, home = core.home()
	local path = session.short_path(core.realpath(session.path) or session.path)
	return ("%s/%s/%s"):format(home, kind, (path:gsub("^/+", ""):gsub("%.lua$", "")))
end

function session.kill_vms()
	for _, vm in ipairs(session.vms) do vm:kill() end
end

return session
