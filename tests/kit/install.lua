-- SPDX-License-Identifier: GPL-2.0-only
-- make install: a user without root's rights tests a module with the installed
-- kit, in each of the three ways. Nothing below the prefix is written to.

local installed = require "installed"
local kit = require "kit"
local runner = require "runner"
local session = require "provium.session"

provium.timeout = "20m"

for _, file in ipairs { "install.mk", "installed.mk", "config.mk", "user-module.mk", "test.mk" } do
	session.depend(("%s/mk/%s"):format(kit.root, file))
end

local why = installed.missing()
if why then
	test("make install", function() skip(why) end)
	return
end

local dir, _ <close> = runner.new_folder()
local inst = installed.new(dir)
local module = inst.home .. "/work/drv"

local function as_user(cmd, cwd) return inst:run(cwd or module, cmd) end

inst:run(inst.home, [[mkdir -p work/drv && cd work/drv && echo 'obj-m := drv.o' >Kbuild && cat >drv.c <<'END'
#include <linux/module.h>
MODULE_LICENSE("GPL");
END
provium init]])

local before = inst:state()

-- Makes the verdict that each of the three ways below reuses, and builds what
-- the tests below run.
as_user "provium make test"

local ways = {
	{ "make -C KIT test MODULE=$PWD", ("make -C %s test MODULE=$PWD"):format(inst.kit) },
	{ "make test with the lines of provium init", "make test" },
	{ "provium make test", "provium make test" },
}
for _, way in ipairs(ways) do
	test(("an ordinary user tests a module with an installed kit by %s"):format(way[1]), function()
		local said, status = as_user(way[2])
		assert_eq(0, status, said)
		assert_contains(said, "(1 file, 1 verdict reused)")
		said, status = as_user((way[2]:gsub(" test", " retest", 1):gsub("^make retest$", "make test")))
		assert_eq(0, status, said)
	end)
end

test("a failure in the user's test is shown by provium make test, which then ends with an error", function()
	as_user("cp tests/drv.lua saved && echo 'test(\"wrong\", function() assert_eq(1, 2) end)' >>tests/drv.lua")
	local said, status = as_user("provium make test")
	as_user("mv saved tests/drv.lua")
	assert_eq(2, status, said)
	assert_contains(said, "wrong ... FAIL: expected 1, got 2")
end)

test("the installed provium runs a test file and lists profiles and fixtures of the user", function()
	local said, status = as_user("provium test tests/drv.lua && provium fixture list")
	assert_eq(0, status, said)
	assert_contains(said, "drv.lua ... ok (1 test")
	assert_contains(said, "\ndrv ")
end)

test("provium make test in a folder without a module says where to go", function()
	local said, status = as_user("provium make test", inst.home)
	assert_eq(2, status, said)
	assert_contains(said, "no tests: neither MODULE= nor TESTS= is given, and ")
	assert_contains(said, "go to the folder of a module, or give MODULE=FOLDER or TESTS=FOLDER")
end)

test("everything that a user builds is below ~/.cache/provium, or PROVIUM_OUT, or O=", function()
	assert_eq(".cache\nwork", runner.shell("ls -A " .. inst.home))
	assert_contains(as_user("provium make -pn help | grep '^O :='"), "O := " .. inst.out)
	assert_contains(as_user("PROVIUM_OUT=/tmp/o provium make -pn help | grep '^O :='"), "O := /tmp/o")
	assert_contains(as_user("provium make O=/tmp/p -pn help | grep '^O :='"), "O := /tmp/p")
end)

test("no use of an installed kit writes below its prefix, by an ordinary user or by root", function()
	assert_eq(before, inst:state())
	kit.link_kernel(dir .. "/second", provium.profile)
	runner.shell(("cd %s && HOME=%s XDG_CACHE_HOME= make -C %s initramfs modules MODULE=%s O=%s/second"):format(
		module, inst.home, inst.kit, module, dir))
	assert_eq(before, inst:state())
end)
