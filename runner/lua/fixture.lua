-- SPDX-License-Identifier: GPL-2.0-only
-- Fixtures as a test uses them: found, built by another runner if need be, and
-- resumed as a clone for each test.

local core = require "provium.core"
local environment = require "provium.environment"
local errors = require "provium.errors"
local limits = require "provium.limits"
local options = require "provium.options"
local session = require "provium.session"
local VM = require "provium.vm"

local fixture = {}

-- Time limit of a fixture's script, unscaled. The process that builds the
-- fixture may in addition wait for memory, for up to three times as long.
fixture.BUILD_LIMIT_S = 300
local BUILDER_TIMEOUT_S = 4 * fixture.BUILD_LIMIT_S

-- Stands in place of a script's path for the fixture of a profile without one.
fixture.BUILT_IN = "the built-in script"

local SCRIPT_FOLDERS = { "fixtures", "tests/fixtures" }

-- What get() returned or raised, by name: a process looks up each fixture once,
-- and does not try again to build a fixture that could not be built.
local found_fixtures, failures = {}, {}
local spare		-- { handle =, core = }: the VM that the next test gets as its clone

function fixture.broken(fmt, ...)
	local err = errors.new(errors.KIND.broken, fmt, ...)
	err.broken = true
	return err
end

-- Returns an error like broken(), but one for which the fixture's script or its
-- guest is at fault, and not the host.
function fixture.setup_failed(fmt, ...)
	local err = fixture.broken(fmt, ...)
	err.setup = true
	return err
end

-- The exit status of a builder (provium fixture build) after such an error: the
-- setup failed, and the host is not at fault.
fixture.SETUP_FAILED = 1

-- --- finding the script of a fixture ---

local function script_in(dir, name)
	for _, folder in ipairs(SCRIPT_FOLDERS) do
		local path = core.realpath(("%s/%s/%s.lua"):format(dir, folder, name))
		if path then return path end
	end
end

local function parent_folder(dir) return dir:match("^(.*)/[^/]*$") end

-- Iterates over the names of the known profiles.
function fixture.profile_names() return core.profile_names():gmatch("[^, ]+") end

local function is_profile(name)
	for profile in fixture.profile_names() do
		if profile == name then return true end
	end
	return false
end

-- Returns the sorted names of the scripts in dir and above it, and of the
-- profiles. dir: an absolute path.
function fixture.known_names(dir)
	local names = {}
	local function add(name)
		if name and not names[name] then
			names[name] = true
			names[#names + 1] = name
		end
	end
	while dir do
		for _, folder in ipairs(SCRIPT_FOLDERS) do
			for _, file in ipairs(core.list(("%s/%s"):format(dir, folder))) do
				add(file:match("^([^.].*)%.lua$"))
			end
		end
		dir = parent_folder(dir)
	end
	for profile in fixture.profile_names() do add(profile) end
	table.sort(names)
	return names
end

-- Returns the path of fixtures/NAME.lua, in dir or the nearest folder above it;
-- or BUILT_IN, if there is no such file and name is a profile.
function fixture.find_script(name, dir)
	if type(name) ~= "string" or not name:find("^[%w_][%w_.-]*$") then
		error(("fixture: expected a name, got %s"):format(tostring(name)), 0)
	end
	local at = core.realpath(dir) or ""
	while at do
		local path = script_in(at, name)
		if path then return path end
		at = parent_folder(at)
	end
	if is_profile(name) then return fixture.BUILT_IN end
	if name == core.default_profile() then
		local built = core.profile_names()
		error(("the profile %s is not built: \"%s kernel PROFILE=%s\" builds it%s"):format(name, core.make(), name,
			built ~= "" and "; PROFILE=NAME chooses one that is built: " .. built or ""), 0)
	end
	local names = fixture.known_names(core.realpath(dir) or "")
	error(("there is no fixture \"%s\"; %s"):format(name, #names > 0 and
		"there are: " .. table.concat(names, ", ") or "there is no folder fixtures/ here or above"), 0)
end

-- --- finding or building a fixture ---

-- Returns the paths of all inputs in a manifest.
function fixture.input_paths(manifest)
	local paths = {}
	for _, input in ipairs(manifest.inputs) do paths[#paths + 1] = input.path end
	for _, parent in ipairs(manifest.parents) do
		for _, path in ipairs(parent.paths) do paths[#paths + 1] = path end
	end
	return paths
end

-- Returns the names of the fixtures that are being built; each one is needed by
-- the one before it.
local function chain() return session.building and session.building.chain or {} end

-- Builds the fixture in a process of its own.
local function build(name, script)
	local args = { "fixture", "build", "--for", table.concat(chain(), ",") }
	if script == fixture.BUILT_IN then args[#args + 1] = "--built-in" end
	args[#args + 1] = script == fixture.BUILT_IN and name or script
	local status, output = core.run(args, BUILDER_TIMEOUT_S * session.slowness)
	if status == 0 then
		io.stderr:write(output)
	elseif output ~= "" then
		local new_error = status == fixture.SETUP_FAILED and fixture.setup_failed or fixture.broken
		error(new_error("%s", (output:gsub("^provium: ", ""):gsub("%s+$", ""))), 0)
	else
		error(fixture.broken("fixture %s: its builder ended with status %d", name, status), 0)
	end
end

-- Finds the current fixture, or builds it if there is none. Returns { name =,
-- script =, handle =, manifest = }.
local function look_up(name)
	local script = fixture.find_script(name, session.dir)
	for _, earlier in ipairs(chain()) do
		if earlier == name then
			error(fixture.broken("fixture %s needs itself: %s → %s", name, table.concat(chain(), " → "), name), 0)
		end
	end
	local handle, reason, warning = core.fixture_find(name, script)
	io.stderr:write(warning)
	if not handle then
		local before = core.now()
		build(name, script)
		core.timeline_span("fixture", before)
		handle, reason = core.fixture_find(name, script)
	end
	if not handle then error(fixture.broken("fixture %s: just built, and already out of date: %s", name, reason), 0) end
	return { name = name, script = script, handle = handle, manifest = handle:manifest() }
end

-- Returns the same as look_up(), from the cache if possible. Makes the
-- fixture's inputs inputs of the file.
local function get(name)
	if failures[name] then error(failures[name], 0) end
	local ok, found = true, found_fixtures[name]
	if not found then ok, found = pcall(look_up, name) end
	if not ok then
		if errors.kind_of(found) == errors.KIND.broken then failures[name] = found end
		error(found, 0)
	end
	found_fixtures[name] = found
	for _, path in ipairs(fixture.input_paths(found.manifest)) do session.depend(path, "fixture") end
	return found
end

-- --- clones, and the spare: the clone for the next test ---

local function start(found, seed)
	local vm = core.vm(found.manifest.profile)
	limits.wait_at_gate(function()
		vm:start(found.handle, session.building ~= nil, seed)
		return vm:info().waited
	end)
	return vm
end

-- Returns the spare if it was made from this fixture and still runs, else nil.
local function take_spare(found)
	local taken = spare
	if taken and taken.handle == found.handle then
		spare = nil
		if taken.core:lives() then return taken.core end
	end
end

local CLONE_OPTIONS = { seed = true }

local function check_seed(opts)
	opts = options.check("fixture", opts, CLONE_OPTIONS)
	if opts.seed ~= nil and math.type(opts.seed) ~= "integer" then
		error(("fixture: seed: expected an integer, got %s"):format(tostring(opts.seed)), 0)
	end
	if opts.seed and session.building then
		error("fixture: seed: not allowed in a fixture's script; give it where a test resumes the fixture", 0)
	end
	return opts.seed
end

-- --- running a fixture's script in place of cloning ---

-- Returns the built-in script of a profile's fixture.
function fixture.boot_profile(name)
	return function()
		local vm = VM.create(name):boot()
		vm:mount_vfs()
	end
end

-- Runs the fixture's script in this session, as a part of the test. Returns the
-- last VM that it makes. A recording begins with a VM's boot, so a recorded VM
-- cannot be a clone.
local function run_script_here(name)
	local script = fixture.find_script(name, session.dir)
	local chunk, reason = fixture.boot_profile(name), nil
	local dir, path, nr_before = session.dir, package.path, #session.vms
	if script ~= fixture.BUILT_IN then
		session.depend(script)
		session.dir = script:match("^(.*)/")
		package.path = environment.search_path(session.dir) .. ";" .. path
		chunk, reason = loadfile(script, "t")
	end
	local ok, result = true, nil
	if chunk then ok, result = pcall(chunk) end
	session.dir, package.path = dir, path
	if not chunk then error(fixture.setup_failed("fixture %s: %s", name, reason), 0) end
	if errors.kind_of(result) == errors.KIND.interrupted then error(result, 0) end
	if not ok then error(fixture.setup_failed("fixture %s: %s", name, tostring(result)), 0) end
	for i = nr_before + 1, #session.vms - 1 do session.vms[i]:kill() end
	local vm = session.vms[#session.vms]
	if not vm or not vm:is_running() then error(fixture.setup_failed("fixture %s: its script made no VM", name), 0) end
	vm.leave_clean = type(result) == "table" and rawget(result, "leave_clean") or nil
	return vm
end

-- provium.fixture(name, { seed = }): returns a new clone, running.
function fixture.clone(name, opts)
	local seed = check_seed(opts)
	if session.recordings then
		if seed then error("fixture: seed: a recorded VM boots, and its random numbers are recorded; leave out --record", 0) end
		return run_script_here(name)
	end
	local found = get(name)
	local before, waited = core.now(), session.waited
	local vm = not seed and take_spare(found) or start(found, seed)
	limits.wait_at_gate(function()
		local before = vm:info().waited
		vm:go(found.handle)
		return vm:info().waited - before
	end)
	core.timeline_span("resume", before + session.waited - waited)
	limits.booted(vm:info())
	if session.building then
		table.insert(session.building.parents, {
			name = found.name, script = found.script,
			key = found.manifest.key, rng = found.manifest.rng,
			paths = fixture.input_paths(found.manifest),
		})
	end
	local clone = VM.adopt(vm, found.manifest)
	clone.leave_clean = found.manifest.leave_clean
	session.on_start(clone)
	return clone
end

-- Begins the session of a command for a user at a terminal. what: the name of a
-- fixture or profile, or the path of a fixture's script; nil: the profile in
-- use. Returns a clone of it, and the fixture's name.
function fixture.clone_for_command(what)
	local dir, stem = (what or ""):match("^(.*)/fixtures/([^/]+)%.lua$")
	local name = stem or what or core.default_profile()
	session.begin((dir or ".") .. "/.", { limit = math.huge })
	local vm = fixture.clone(name)
	if session.accel then io.stderr:write(session.accel, "\n") end
	return vm, name
end

-- Starts the spare, which is the next test's clone of this fixture, if the file
-- had a clone of the fixture before.
function fixture.start_spare(name)
	local found = found_fixtures[name]
	if not found or spare and spare.handle == found.handle then return end
	fixture.drop_spare()
	local vm = core.vm(found.manifest.profile)
	if vm:start_spare(found.handle) then spare = { handle = found.handle, core = vm } end
end

function fixture.drop_spare()
	if spare then spare.core:kill() end
	spare = nil
end

return fixture
