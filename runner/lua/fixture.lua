-- SPDX-License-Identifier: GPL-2.0-only
-- Fixtures as a test sees them: found or built, resumed, a clone for each test;
-- and how a script in fixtures/ becomes one.

local core = require "provium.core"
local errors = require "provium.errors"
local VM = require "provium.vm"
local options = require "provium.options"

local fixture = {}

local BUILD_LIMIT = 300		-- seconds, scaled; a build is a boot and what the script does (and waiting, four times that)

local harness			-- what this file belongs to; see harness.lua
local images = {}		-- by name: looked up once in a process
local failures = {}		-- by name: nor is one that failed built again for each test
local spare			-- { image =, core = } of a VM that waits
local chain = {}		-- names of the fixtures that are being built for each other

function fixture.attach(h) harness = h end

local function broken(fmt, ...)
	local err = errors.new(errors.KIND.broken, fmt, ...)
	err.broken = true
	return err
end

-- --- scripts ---

local function script_in(dir, name)
	for _, below in ipairs { "fixtures", "tests/fixtures" } do
		local path = core.realpath(("%s/%s/%s.lua"):format(dir, below, name))
		if path then return path end
	end
end

-- Every name that could have been meant, from dir upwards.
local function known_names(dir)
	local names = {}
	while dir do
		for _, below in ipairs { "fixtures", "tests/fixtures" } do
			for _, file in ipairs(core.list(("%s/%s"):format(dir, below))) do
				local name = file:match("^([^.].*)%.lua$")
				if name and not names[name] then
					names[name] = true
					names[#names + 1] = name
				end
			end
		end
		dir = dir:match("^(.*)/[^/]*$")
	end
	table.sort(names)
	return names
end

-- fixtures/NAME.lua, in dir or above it.
function fixture.find_script(name, dir)
	if type(name) ~= "string" or not name:find("^[%w_][%w_.-]*$") then
		error(("fixture: expected a name, got %s"):format(tostring(name)), 0)
	end
	local at = core.realpath(dir) or ""
	while at do
		local path = script_in(at, name)
		if path then return path end
		at = at:match("^(.*)/[^/]*$")
	end
	local names = known_names(core.realpath(dir) or "")
	error(("there is no fixture \"%s\"; %s"):format(name, #names > 0 and
		"there are: " .. table.concat(names, ", ") or "there is no folder fixtures/ from here upwards"), 0)
end

-- --- images ---

local function paths_of(meta)
	local paths = {}
	for _, input in ipairs(meta.inputs) do paths[#paths + 1] = input.path end
	for _, parent in ipairs(meta.parents) do
		for _, path in ipairs(parent.paths) do paths[#paths + 1] = path end
	end
	return paths
end

-- Has a runner of its own build it.
local function build(name, script)
	local args = { "fixture", "build", "--for", table.concat(chain, ","), script }
	local status, said = core.run(args, 4 * BUILD_LIMIT * harness.slowness())
	if status == 0 then
		io.stderr:write(said)
	else
		error(broken("%s", said ~= "" and said:gsub("^provium: ", ""):gsub("%s+$", "") or
			("fixture %s: its builder ended with status %d"):format(name, status)), 0)
	end
end

local function look_up(name)
	local script = fixture.find_script(name, harness.dir())
	for _, earlier in ipairs(chain) do
		if earlier == name then
			error(broken("fixture %s needs itself: %s → %s", name, table.concat(chain, " → "), name), 0)
		end
	end
	local image, why, warning = core.fixture_find(name, script)
	io.stderr:write(warning)
	if not image then
		build(name, script)
		image, why = core.fixture_find(name, script)
	end
	if not image then error(broken("fixture %s was built and is not current: %s", name, why), 0) end
	return { name = name, script = script, image = image, meta = image:meta() }
end

-- The fixture's image, built if need be; everything it was made from is this file's concern.
local function get(name)
	if failures[name] then error(failures[name], 0) end
	local ok, found = true, images[name]
	if not found then ok, found = pcall(look_up, name) end
	if not ok then
		if errors.kind_of(found) == errors.KIND.broken then failures[name] = found end
		error(found, 0)
	end
	images[name] = found
	for _, path in ipairs(paths_of(found.meta)) do harness.depend(path, "fixture") end
	return found
end

-- --- clones ---

local function start(found, seed)
	local vm = core.vm(found.meta.profile)
	harness.take_turn(function()
		vm:start(found.image, harness.building ~= nil, seed)
		return vm:info().waited
	end)
	return vm
end

-- The one that waits, if it is of that fixture and still there.
local function take_spare(found)
	local taken = spare
	if taken and taken.image == found.image then
		spare = nil
		if taken.core:lives() then return taken.core end
	end
end

local OPTIONS = { seed = true }

local function seed_of(opts)
	opts = options.check("fixture", opts, OPTIONS)
	if opts.seed ~= nil and math.type(opts.seed) ~= "integer" then
		error(("fixture: seed: expected an integer, got %s"):format(tostring(opts.seed)), 0)
	end
	if opts.seed and harness.building then
		error("fixture: seed: a fixture's script cannot have one; the test that resumes it can", 0)
	end
	return opts.seed
end

-- A fresh clone.
function fixture.clone(name, opts)
	local seed = seed_of(opts)
	local found = get(name)
	local vm = not seed and take_spare(found) or start(found, seed)
	harness.take_turn(function()
		local before = vm:info().waited
		vm:go(found.image)
		return vm:info().waited - before
	end)
	harness.booted(vm:info())
	if harness.building then
		table.insert(harness.building.parents, { name = found.name, script = found.script,
			key = found.meta.key, rng = found.meta.rng, paths = paths_of(found.meta) })
	end
	return VM.adopt(vm, found.meta.log_next)
end

-- While a test runs, the next one's VM starts: most likely one of the same fixture.
function fixture.start_spare(name)
	local found = images[name]
	if not found or spare and spare.image == found.image then return end
	fixture.drop_spare()
	local vm = core.vm(found.meta.profile)
	if vm:start_spare(found.image) then spare = { image = found.image, core = vm } end
end

function fixture.drop_spare()
	if spare then spare.core:kill() end
	spare = nil
end

-- --- building ---

-- The VM that is the fixture: the last one the script made.
local function last_vm(name)
	local vm = harness.vms[#harness.vms]
	if not vm then error(broken("fixture %s: its script made no VM", name), 0) end
	local info = vm.core:info()
	if info.state ~= "running" then
		local _, why = pcall(vm.read_file, vm, "/")
		error(broken("fixture %s: its VM is %s, and a fixture is a running one%s", name, info.state,
			info.state == "dead" and ": " .. tostring(why) or ""), 0)
	end
	return vm
end

-- A guest whose memory finds no room on the disk dies of a bus error, and so on.
local function why_failed(name, message)
	local store, full = core.fixture_store()
	return broken("fixture %s: %s%s", name, full and ("no space left in %s: "):format(store) or "", message)
end

local function save(name, script, started)
	local vm = last_vm(name)
	local complaints = harness.complaints()
	if #complaints > 0 then
		error(broken("fixture %s: the kernel complained: %s", name, table.concat(complaints, "\n")), 0)
	end
	if not vm:is_running() then last_vm(name) end
	local inputs = {}
	for path, kind in pairs(harness.deps()) do
		if kind ~= "fixture" then inputs[#inputs + 1] = path end
	end
	table.sort(inputs)
	local ok, meta = pcall(vm.core.save, vm.core, { name = name, script = script, inputs = inputs,
		parents = harness.building.parents, started = started })
	if not ok then error(why_failed(name, tostring(meta)), 0) end
	return meta
end

-- Builds it unless there is a current one.  Its meta, and why it was built (nil: it was not).
function fixture.build(name, script, for_whom)
	for earlier in for_whom:gmatch("[^,]+") do chain[#chain + 1] = earlier end
	local lock <close> = core.fixture_lock(name)
	local image, why, warning = core.fixture_find(name, script)
	if image then return image:meta() end
	chain[#chain + 1] = name
	io.stderr:write(warning)
	local started = core.time()
	local ok, err = harness.run_script(script, BUILD_LIMIT)
	local meta
	if ok then
		ok, err = pcall(save, name, script, started)
		meta = err
	elseif errors.kind_of(err) ~= errors.KIND.interrupted then
		err = why_failed(name, tostring(err))
	end
	fixture.drop_spare()
	for _, vm in ipairs(harness.vms) do vm:kill() end
	if not ok then error(err, 0) end
	return meta, why
end

fixture.paths_of = paths_of

return fixture
