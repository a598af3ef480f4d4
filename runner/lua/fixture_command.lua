-- SPDX-License-Identifier: GPL-2.0-only
-- provium fixture build|list|clean.

local core = require "provium.core"
local errors = require "provium.errors"
local fixture = require "provium.fixture"
local build_fixture = require "provium.fixture_build"
local session = require "provium.session"

local command = {}

local function usage(fmt, ...)
	errors.raise(errors.KIND.user, "fixture: " .. fmt, ...)
end

-- Writes the stamp and STAMP.d, make's rule that the stamp depends on the
-- fixture's inputs. If make cannot read the path of an input there is no stamp,
-- and make asks the runner each time.
local function write_stamp(stamp, manifest)
	local rules, complete = core.make_rules(stamp, fixture.input_paths(manifest))
	os.remove(stamp)
	assert(core.write(stamp .. ".d", rules))
	if complete then assert(core.write(stamp, manifest.key .. "\n")) end
end

local function value_of(option, args)
	return table.remove(args, 1) or usage("build: %s: expected a value", option)
end

-- Returns the name of the fixture that an argument of build stands for, and its
-- script.
local function name_and_script(arg, is_built_in)
	if is_built_in then return arg, fixture.BUILT_IN end
	local script
	if arg:find("/", 1, true) then
		script = core.realpath(arg) or usage("build: %s: no such file", arg)
	else
		local found, result = pcall(fixture.find_script, arg, ".")
		if not found then usage("build: %s", result) end
		script = result
	end
	if script == fixture.BUILT_IN then return arg, script end
	return script:match("([^/]+)%.lua$") or usage("build: %s: expected a .lua file", script), script
end

-- Builds fixtures. --stamp FILE is for make: see write_stamp(). Another builder
-- passes --for NAMES, the fixtures that need this one, and --built-in: NAME is
-- a profile, and its built-in script is used even if there is a file
-- fixtures/NAME.lua.
local function build(args)
	local opts, name = { chain = {} }, nil
	while #args > 0 do
		local arg = table.remove(args, 1)
		if arg == "-v" then
			opts.verbose = true
		elseif arg == "--built-in" then
			opts.built_in = true
		elseif arg == "--stamp" then
			opts.stamp = value_of(arg, args)
		elseif arg == "--for" then
			opts.is_for_runner = true
			for earlier in value_of(arg, args):gmatch("[^,]+") do table.insert(opts.chain, earlier) end
		elseif arg:sub(1, 1) == "-" or name then
			usage("build: expected one name, got \"%s\"", arg)
		else
			name = arg
		end
	end
	if not name then usage("build: expected a name") end
	local script
	name, script = name_and_script(name, opts.built_in)
	local start = core.now()
	local ok, manifest, reason = pcall(build_fixture, name, script, opts.chain)
	if not ok and opts.is_for_runner and type(manifest) == "table" and manifest.setup then
		io.stderr:write("provium: ", tostring(manifest), "\n")
		return fixture.SETUP_FAILED
	end
	if not ok then error(manifest, 0) end
	if opts.verbose then
		io.stdout:write(reason and ("fixture %s: %s: built in %.2f s\n"):format(name, reason, core.now() - start)
			or ("fixture %s: is current\n"):format(name))
	end
	if opts.stamp then write_stamp(opts.stamp, manifest) end
	return 0
end

local function age(seconds)
	if seconds < 120 then return ("%d s"):format(seconds) end
	if seconds < 7200 then return ("%d min"):format(seconds // 60) end
	if seconds < 172800 then return ("%d h"):format(seconds // 3600) end
	return ("%d days"):format(seconds // 86400)
end

local function list(args)
	if #args > 1 then usage("list: expected at most one name") end
	for _, f in ipairs(core.fixture_list(args[1])) do
		io.stdout:write(("%s %s  %.1f MB  %s old  %s\n"):format(f.name, f.key, f.bytes / 1e6,
			f.manifest.built and age(os.time() - f.manifest.built) or "?",
			f.current and "current" or "not current: " .. f.reason))
		for _, input in ipairs(f.manifest.inputs or {}) do
			io.stdout:write(("    %s %s\n"):format(input.hash:sub(1, 8), session.short_path(input.path)))
		end
		for _, parent in ipairs(f.manifest.parents or {}) do
			io.stdout:write(("    %s fixture %s\n"):format(parent.key:sub(1, 8), parent.name))
		end
	end
	return 0
end

local function clean(args)
	if #args > 1 then usage("clean: expected at most one name") end
	if args[1] and not args[1]:find("^[%w_][%w_.-]*$") then usage("clean: expected a name, got \"%s\"", args[1]) end
	local n = core.fixture_clean(args[1])
	io.stdout:write(("%d fixture%s removed\n"):format(n, n == 1 and "" or "s"))
	return 0
end

-- Takes the arguments after "fixture"; returns the exit status.
function command.run(...)
	local args = { ... }
	local name = table.remove(args, 1)
	local fn = ({ build = build, list = list, clean = clean })[name]
	if not fn then usage("expected build, list or clean, got \"%s\"", tostring(name)) end
	session.begin(".")
	return fn(args)
end

return command
