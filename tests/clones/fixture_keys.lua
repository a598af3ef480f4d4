-- SPDX-License-Identifier: GPL-2.0-only
-- When a fixture is built again, and why; what is told about it.

local runner = require "runner"
local home = require "fixture_home"

provium.timeout = "10m"

-- One home, one store, one test after the other.
home.with(function(h)
	test("built once, and then no more", function()
		h:is_rebuilt("base", "there is none")
		h:is_current("base")
	end)

	test("another date is no change; what was there before is found again", function()
		runner.shell("touch " .. h.dir .. "/out/profile/minimal/vmlinux " .. h.suite .. "/fixtures/base.lua")
		h:is_current("base")
		h:script("base", home.BOOT .. "-- other\n")
		h:is_rebuilt("base", "fixtures/base.lua changed")
		h:script("base", home.BOOT)
		h:is_current("base")
	end)

	test("a module rebuilds the fixture that inserts it, and no other", function()
		h:script("child", "provium.fixture('base'):insmod('echo')\n")
		h:script("other", "provium.fixture('base')\n")
		h:is_rebuilt("child", "there is none")
		h:is_rebuilt("other", "there is none")
		h:grow("profile/minimal/modules/echo.ko")
		h:is_current("base")
		h:is_current("other")
		h:is_rebuilt("child", h.dir .. "/out/profile/minimal/modules/echo.ko changed")
	end)

	test("a verdict depends on what its fixtures were made from", function()
		h:write("t.lua", "test('t', { fixture = 'child' }, function(vm) assert(vm:exec('true').ok) end)\n")
		assert_eq(0, h:run({ "test", "--verdict", h.dir .. "/v", "t.lua" }).status)
		local deps = runner.read(h.dir .. "/v.d")
		for _, file in ipairs { "fixtures/base.lua", "fixtures/child.lua", "modules/echo.ko", "initramfs/base.cpio" } do
			assert_contains(deps, file)
		end
	end)

	test("list: name, key, size, age, what it was built from, whether it is current", function()
		local said = h:run({ "fixture", "list" }).said
		assert(said:find("base %x+  %d+%.%d MB  %d+ s old  current\n"), said)
		assert(said:find("child %x+  %d+%.%d MB  %d+ s old  current\n"), said)
		assert(said:find("    %x+ fixtures/base.lua\n"), said)
		assert(said:find("    %x+ fixture base\n"), said)
		h:grow("profile/minimal/modules/echo.ko")
		said = h:run({ "fixture", "list", "child" }).said
		assert(said:find("not current: [^\n]*echo.ko changed\n"), said)
		assert(not said:find("current\n"), said)
		assert(not said:find("^base "), said)
	end)

	test("a parent that changed rebuilds its children", function()
		h:script("base", home.BOOT .. "-- changed\n")
		h:is_rebuilt("other", "fixture base: fixtures/base.lua changed")
		h:is_current("base")
	end)

	test("its shape: other memory is another machine", function()
		h:write("t.lua", "test('t', { fixture = 'base' }, function(vm)\n" ..
			"local kb = tonumber(vm:read_file('/proc/meminfo'):match('MemTotal: *(%d+)'))\n" ..
			"assert(kb > 150 << 10, kb) assert_eq('2\\n', vm:exec('nproc').stdout) end)\n")
		assert_eq(1, h:run({ "test", "t.lua" }).status)
		h:script("base", "provium.create('minimal'):boot { memory = '192M', cpus = 2 }\n")
		local r = h:run { "test", "t.lua" }
		assert_eq(0, r.status, r.said)
	end)

	test("clean removes those of one name, or all", function()
		local function count(name) return tonumber(runner.shell(("ls -d %s/%s/[0-9a-f]* | wc -l"):format(h.store, name))) end
		assert_eq(2, count("other"))
		assert_eq("2 fixtures removed\n", h:run({ "fixture", "clean", "other" }).said)
		local left = count("*")
		assert(left > 1)
		assert_eq(left .. " fixtures removed\n", h:run({ "fixture", "clean" }).said)
		assert_eq("", runner.shell("ls -A " .. h.store))
		assert_eq("", h:run({ "fixture", "list" }).said)
	end)
end)

home.with(function(h)
	test("kernel, agent, script, and what the script loads: each rebuilds it, and says so", function()
		h:script("base", "require 'helper'\n" .. home.BOOT)
		h:write("lib/helper.lua", "return 1\n")
		h:is_rebuilt("base", "there is none")
		h:write("lib/helper.lua", "return 2\n")
		h:is_rebuilt("base", "lib/helper.lua changed")
		h:script("base", "require 'helper'\n-- changed\n" .. home.BOOT)
		h:is_rebuilt("base", "fixtures/base.lua changed")
		h:grow("profile/minimal/vmlinux")
		h:is_rebuilt("base", "kernel changed")
		h:grow("initramfs/base.cpio", ("\0"):rep(512))
		h:is_rebuilt("base", "agent or initramfs changed")
		h:is_current("base")
	end)

	test("the oldest go when there are too many: four of those five are left", function()
		assert_eq("4", runner.shell(("ls %s/base | wc -l"):format(h.store)))
		h:is_current("base")
	end)
end)

test("bad words on the command line: status 2", function()
	home.with(function(h)
		for args, says in pairs {
			[{ "fixture" }] = "expected build, list or clean",
			[{ "fixture", "make" }] = "expected build, list or clean, got \"make\"",
			[{ "fixture", "build" }] = "build: expected a name",
			[{ "fixture", "build", "nonesuch" }] = "there is no fixture \"nonesuch\"; there are: base",
			[{ "fixture", "build", "no/such.lua" }] = "no/such.lua: no such file",
			[{ "fixture", "clean", "../x" }] = "expected a name, got \"../x\"",
		} do
			local r = h:run(args)
			assert_eq(2, r.status, table.concat(args, " "))
			assert_contains(r.said, says)
		end
	end)
end)
