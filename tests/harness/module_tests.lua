-- SPDX-License-Identifier: GPL-2.0-only
-- make test MODULE=: the tests of the user's module in place of the kit's.

local runner = require "runner"
local tree = require "tree"

local GOOD = "test('fine', function() assert(true) end)\n"

local function write(t, path, content)
	os.execute("mkdir -p " .. runner.quote((t.dir .. "/" .. path):match("^(.*)/")))
	runner.write(t.dir .. "/" .. path, content or GOOD)
end

-- Calls fn with a tree whose test "own" is the kit's, and with a module "drv",
-- which has the tests "a" and "io/b".
local function with_module(fn)
	tree.with({ own = GOOD }, function(t)
		write(t, "drv/Kbuild", "obj-m := drv.o\n")
		write(t, "drv/tests/a.lua", "local helper = require 'helper'\ntest('fine', function() assert(helper) end)\n")
		write(t, "drv/tests/io/b.lua")
		write(t, "drv/tests/lib/helper.lua", "return {}\n")
		write(t, "drv/tests/fixtures/booted.lua", "error('not a test')\n")
		fn(t)
	end)
end

local function names(said)
	local list = tree.finished(said)
	table.sort(list)
	return list
end

test("make test MODULE= runs the tests of the module's folder and none of the kit", function()
	with_module(function(t)
		local said, status = t:make("test MODULE=drv")
		assert_eq({ { "a", "b" }, 0 }, { names(said), status }, said)
		assert_eq({ "own" }, names((t:make("test"))))
		said, status = t:make("test MODULE=" .. t.dir .. "/drv")
		assert_eq({ {}, 0 }, { names(said), status })
		assert_contains(said, "(2 files, 2 verdicts reused)")
		assert_eq({ "a", "b" }, names((t:make("retest MODULE=drv"))))
	end)
end)

test("T= chooses among the module's tests, by several names, by folder and by pattern", function()
	with_module(function(t)
		write(t, "drv/tests/io/c.lua")
		local chosen = {
			["a io/c"] = { "a", "c" }, ["io"] = { "b", "c" }, ["io/*"] = { "b", "c" }, ["b"] = { "b" },
		}
		for pattern, expected in pairs(chosen) do
			assert_eq(expected, names((t:make(("retest MODULE=drv T='%s'"):format(pattern)))), pattern)
		end
		local said, status = t:make("test MODULE=drv T='a none'")
		assert_eq(2, status)
		assert_contains(said, "T=none: no test has this name; choose from: a io/b io/c")
	end)
end)

test("TESTS= names another folder of tests, with and without MODULE=", function()
	with_module(function(t)
		write(t, "elsewhere/x.lua")
		assert_eq({ "x" }, names((t:make("test MODULE=drv TESTS=elsewhere"))))
		assert_eq({ "x" }, names((t:make("retest TESTS=elsewhere"))))
	end)
end)

test("tests of the same name in two modules have separate verdicts", function()
	with_module(function(t)
		write(t, "other/Makefile", "obj-m := other.o\n")
		write(t, "other/tests/a.lua", GOOD .. "test('bad', function() assert(false) end)\n")
		local said, status = t:make("test MODULE='drv other'")
		assert_eq({ { "a", "a", "b" }, 2 }, { names(said), status })
		assert_contains(said, "FAIL: 3 passed, 1 failed (3 files, 0 verdicts reused)")
	end)
end)

test("a fixture of the module's tests is a target of make", function()
	with_module(function(t)
		local said = t:make("-n fixture-booted MODULE=drv"):gsub("\\\n", "")
		assert_contains(said, ("fixture build  --stamp out/fixtures/booted/.built-small %s/drv/tests/fixtures/booted.lua")
			:format(t.dir))
	end)
end)

test("make test works if symbolic links in the folder of the tests lead in a circle", function()
	with_module(function(t)
		os.execute(("cd %s/drv/tests && ln -s . here && ln -s .. up"):format(t.dir))
		assert_eq({ "a", "b" }, names((t:make("test MODULE=drv"))))
	end)
end)

local refused = {
	{ "a module without tests", "bare", "MODULE=bare: there are no tests: no file *.lua in DIR/bare/tests. TESTS=FOLDER names another folder" },
	{ "a folder that does not exist", "drv TESTS=none", "TESTS=none: there is no folder DIR/none" },
	{ "a test with a blank in its name", "blank", "a test's file name has a character that make cannot handle" },
}
for _, case in ipairs(refused) do
	test(("make test MODULE= with %s is refused with what to do"):format(case[1]), function()
		with_module(function(t)
			write(t, "bare/Kbuild", "obj-m := bare.o\n")
			write(t, "blank/Kbuild", "obj-m := blank.o\n")
			write(t, "blank/tests/my test.lua")
			local said, status = t:make("test MODULE=" .. case[2])
			assert_eq(2, status, said)
			assert_contains((said:gsub(t.dir:gsub("%p", "%%%0"), "DIR")), case[3])
		end)
	end)
end

test("V=0 and SAN=0 mean off, and make ignores T, N and V in the environment", function()
	with_module(function(t)
		local said = t:make("test V=0 SAN=0 MODULE=drv")
		assert_eq({ "a", "b" }, names(said))
		local pipe = io.popen("env T=none O=/nowhere N=x V=1 NAME=y MODULE=none TESTS=none KERNEL_SRC=none SAN=1 " ..
			"sh -c " .. runner.quote((t:command("retest"):gsub("%-u T ", ""))))
		said = pipe:read("a")
		pipe:close()
		assert_eq({ "own" }, names(said), said)
	end)
end)
