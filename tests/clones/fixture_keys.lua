-- SPDX-License-Identifier: GPL-2.0-only
-- Reasons for which a fixture is rebuilt, and the output of the fixture
-- commands.

local runner = require "runner"
local home = require "fixture_home"

provium.timeout = "10m"

runner.scale_limits()

-- Calls fn with a new home (see fixture_home.lua), whose fixture "base" has
-- been built.
local function with_base(fn)
	home.with(function(h)
		h:is_rebuilt("base", "not in the store")
		fn(h)
	end)
end

-- Adds and builds two fixtures on top of base: "child" with a module, "other"
-- without.
local function add_children(h)
	h:script("child", "provium.fixture('base'):insmod('echo')\n")
	h:script("other", "provium.fixture('base')\n")
	h:is_rebuilt("child", "not in the store")
	h:is_rebuilt("other", "not in the store")
end

test("a fixture whose inputs are unchanged is not rebuilt", function()
	with_base(function(h) h:is_current("base") end)
end)

test("a fixture whose inputs differ only in their dates is not rebuilt", function()
	with_base(function(h)
		runner.shell(("touch %s/out/%s %s/fixtures/base.lua"):format(h.dir, home.KERNEL, h.suite))
		h:is_current("base")
	end)
end)

test("a fixture whose script is changed back is found in the store", function()
	with_base(function(h)
		h:script("base", home.BOOT .. "-- other\n")
		h:is_rebuilt("base", "fixtures/base.lua changed")
		h:script("base", home.BOOT)
		h:is_current("base")
	end)
end)

test("a changed module rebuilds the fixture that loads it, and no other", function()
	with_base(function(h)
		add_children(h)
		h:grow(home.PROFILE .. "/modules/echo.ko")
		h:is_current("base")
		h:is_current("other")
		h:is_rebuilt("child", h.dir .. "/out/" .. home.PROFILE .. "/modules/echo.ko changed")
	end)
end)

test("a verdict depends on the inputs of its fixture and of the fixture's parent", function()
	with_base(function(h)
		add_children(h)
		h:write("t.lua", "test('t', { fixture = 'child' }, function(vm) assert(vm:exec('true').ok) end)\n")
		assert_eq(0, h:run({ "test", "--verdict", h.dir .. "/v", "t.lua" }).status)
		local deps = runner.read(h.dir .. "/v.d")
		local inputs = { "fixtures/base.lua", "fixtures/child.lua", "modules/echo.ko", "initramfs/base.cpio" }
		for _, file in ipairs(inputs) do
			assert_contains(deps, file)
		end
	end)
end)

test("fixture list prints name, key, size, age, inputs and state of each fixture", function()
	with_base(function(h)
		add_children(h)
		local said = h:run({ "fixture", "list" }).said
		assert(said:find("base %x+  %d+%.%d MB  %d+ s old  current\n"), said)
		assert(said:find("child %x+  %d+%.%d MB  %d+ s old  current\n"), said)
		assert(said:find("    %x+ fixtures/base.lua\n"), said)
		assert(said:find("    %x+ fixture base\n"), said)
		h:grow(home.PROFILE .. "/modules/echo.ko")
		said = h:run({ "fixture", "list", "child" }).said
		assert(said:find("not current: [^\n]*echo.ko changed\n"), said)
		assert(not said:find("current\n"), said)
		assert(not said:find("^base "), said)
	end)
end)

test("a changed parent rebuilds the fixtures on top of it", function()
	with_base(function(h)
		add_children(h)
		h:script("base", home.BOOT .. "-- changed\n")
		h:is_rebuilt("other", "fixture base: fixtures/base.lua changed")
		h:is_current("base")
	end)
end)

test("a new memory size in a script rebuilds the fixture, and its clones have that size", function()
	home.with(function(h)
		h:write("t.lua", "test('t', { fixture = 'base' }, function(vm)\n" ..
			"local kb = tonumber(vm:read_file('/proc/meminfo'):match('MemTotal: *(%d+)'))\n" ..
			"assert(kb > 150 << 10, kb) assert_eq('2\\n', vm:exec('nproc').stdout) end)\n")
		assert_eq(1, h:run({ "test", "t.lua" }).status)
		h:script("base", "provium.create():boot { memory = '256M', cpus = 2 }\n")
		local r = h:run { "test", "t.lua" }
		assert_eq(0, r.status, r.said)
	end)
end)

-- --- the default profile ---

-- A home with a second profile, "other": the same kernel with a marked command
-- line.
local function with_other(fn)
	home.with(function(h)
		local toml = runner.read(h.dir .. "/out/provium.toml")
		runner.write(h.dir .. "/out/provium.toml", toml .. toml:gsub("%[profile%.[^%]]*%]", "[profile.other]") ..
			"append = \"marked_other\"\n")
		fn(h, { env = { PROFILE = "other" } })
	end)
end

local function built(name, why) return ("fixture %s: %s\n"):format(name, why) end

test("a fixture script that names no profile makes one fixture for each PROFILE", function()
	with_other(function(h, other)
		h:is_rebuilt("base", "not in the store")
		assert_eq(built("base", ("the default profile changed (it was %s): built"):format(provium.profile)),
			(h:build("base", other)))
		h:is_current("base")
		assert_eq(built("base", "is current"), (h:build("base", other)))
		h:write("t.lua", "test('t', { fixture = 'base' }, function(vm)\n" ..
			"assert_contains(vm:read_file('/proc/cmdline'), 'marked_other') end)\n")
		assert_eq(0, h:run({ "test", "t.lua" }, other).status)
		assert_eq(1, h:run({ "test", "t.lua" }).status)
	end)
end)

test("a fixture whose parent names no profile is built for each PROFILE", function()
	with_other(function(h, other)
		h:script("child", "provium.fixture('base')\n")
		h:is_rebuilt("child", "not in the store")
		assert_eq(built("child", ("fixture base: the default profile changed (it was %s): built"):format(provium.profile)),
			(h:build("child", other)))
	end)
end)

test("a fixture script that names its profile makes one fixture, whatever PROFILE is", function()
	with_other(function(h, other)
		h:script("base", ("provium.create('%s'):boot { memory = '128M' }\n"):format(provium.profile))
		h:is_rebuilt("base", "not in the store")
		assert_eq(built("base", "is current"), (h:build("base", other)))
	end)
end)

test("every profile has a fixture of its name, even without a fixture script", function()
	with_other(function(h)
		h:is_rebuilt("other", "not in the store")
		h:is_current("other")
		assert(h:run({ "fixture", "list" }).said:find("^other %x+  %d+%.%d MB  %d+ s old  current\n"))
		h:write("t.lua", "test('t', { fixture = 'other' }, function(vm)\n" ..
			"assert_contains(vm:read_file('/proc/cmdline'), 'marked_other')\n" ..
			"assert_contains(vm:read_file('/proc/mounts'), ' /sys/kernel/debug ') end)\n")
		local r = h:run { "test", "t.lua" }
		assert_eq(0, r.status, r.said)
	end)
end)

test("a fixture script with the name of a profile replaces that profile's own fixture", function()
	with_other(function(h)
		h:is_rebuilt("other", "not in the store")
		h:script("other", home.BOOT)
		h:is_rebuilt("other", "built from another script (the built-in script)")
		h:is_current("other")
	end)
end)

-- Builds the fixture "base", whose script reads the file `input`, as make does,
-- and writes a makefile that includes the fixture's dependencies. Returns a
-- function that runs make and returns its output.
local function made_for_make(h, input)
	h:write(input, "return 1\n")
	h:script("base", ("dofile(%q)\n"):format(h.suite .. "/" .. input) .. home.BOOT)
	h:write("Makefile", "stamp: ; @echo asks\n-include stamp.d\n")
	assert_eq(0, h:run({ "fixture", "build", "--stamp", "stamp", "base" }).status)
	return function()
		return runner.shell(("env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C %s stamp 2>&1"):format(runner.quote(h.suite)))
	end
end

test("make rebuilds a fixture whose input has special characters in its path", function()
	home.with(function(h)
		local input = "lib/a b;c|d=e%f#g$h.lua"
		local make = made_for_make(h, input)
		assert_contains(make(), "'stamp' is up to date")
		runner.shell("touch -d 'now + 1 hour' " .. runner.quote(h.suite .. "/" .. input))
		assert_contains(make(), "asks")
	end)
end)

test("a fixture gets no stamp file for make if make cannot read the path of an input", function()
	home.with(function(h)
		local make = made_for_make(h, "lib/a(1)")
		assert_contains(make(), "asks")
		assert_eq(nil, runner.read(h.suite .. "/stamp"))
	end)
end)

test("fixture clean removes the fixtures of one name, or all", function()
	with_base(function(h)
		add_children(h)
		h:script("other", "provium.fixture('base') -- changed\n")
		h:is_rebuilt("other", "fixtures/other.lua changed")
		local function count(name) return tonumber(runner.shell(("ls -d %s/%s/[0-9a-f]* | wc -l"):format(h.store, name))) end
		assert_eq(2, count("other"))
		assert_eq("2 fixtures removed\n", h:run({ "fixture", "clean", "other" }).said)
		assert_eq(2, count("*"))
		assert_eq("2 fixtures removed\n", h:run({ "fixture", "clean" }).said)
		assert_eq("", runner.shell("ls -A " .. h.store))
		assert_eq("", h:run({ "fixture", "list" }).said)
	end)
end)

test("a rebuild names the changed input; a fixture's fifth version replaces the oldest", function()
	home.with(function(h)
		h:script("base", "require 'helper'\n" .. home.BOOT)
		h:write("lib/helper.lua", "return 1\n")
		h:is_rebuilt("base", "not in the store")
		h:write("lib/helper.lua", "return 2\n")
		h:is_rebuilt("base", "lib/helper.lua changed")
		h:script("base", "require 'helper'\n-- changed\n" .. home.BOOT)
		h:is_rebuilt("base", "fixtures/base.lua changed")
		h:grow(home.KERNEL)
		h:is_rebuilt("base", "kernel changed")
		h:grow("initramfs/base.cpio", ("\0"):rep(512))
		h:is_rebuilt("base", "agent or initramfs changed")
		h:is_current("base")
		assert_eq("4", runner.shell(("ls %s/base | wc -l"):format(h.store)))
	end)
end)

test("wrong words after `provium fixture` are refused, exit status 2", function()
	home.with(function(h)
		for args, says in pairs {
			[{ "fixture" }] = "expected build, list or clean",
			[{ "fixture", "make" }] = "expected build, list or clean, got \"make\"",
			[{ "fixture", "build" }] = "build: expected a name",
			[{ "fixture", "build", "nonesuch" }] = "there is no fixture \"nonesuch\"; there are: base, " .. provium.profile,
			[{ "fixture", "build", "no/such.lua" }] = "no/such.lua: no such file",
			[{ "fixture", "clean", "../x" }] = "expected a name, got \"../x\"",
		} do
			local r = h:run(args)
			assert_eq(2, r.status, table.concat(args, " "))
			assert_contains(r.said, says)
		end
	end)
end)
