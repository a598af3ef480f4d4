-- SPDX-License-Identifier: GPL-2.0-only
-- Fixtures with disks: each clone writes to its own layer, and the disk image
-- is unchanged.

local runner = require "runner"
local home = require "fixture_home"

provium.timeout = "20m"		-- a kernel with debugging takes that long

local HELPER = [[
local disk = {}
function disk.put(vm, text) assert(vm:exec(("printf %s | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null"):format(text)).ok) end
function disk.get(vm)
	vm:exec("echo 3 >/proc/sys/vm/drop_caches")
	return (vm:exec("dd if=/dev/vda bs=8 count=1 2>/dev/null").stdout.value)
end
return disk
]]

local function with_disk(script, test, fn)
	home.with(function(h)
		h:write("lib/disk.lua", HELPER)
		h:write("disk.img", "original" .. ("\0"):rep((4 << 20) - 8))
		h:script("base", script)
		h:write("t.lua", "local disk = require 'disk'\n" .. test)
		fn(h)
	end)
end

local PLAIN = "provium.create():boot { memory = '128M', disks = { { path = '../disk.img' } } }\n"
-- Each test of this suite expects the disk as the fixture left it, and writes
-- to it.
local CLONES = [[
for i = 1, 2 do
	test("clone " .. i, { fixture = "NAME" }, function(vm)
		assert_eq("FIRST", disk.get(vm))
		disk.put(vm, "by-a-cl" .. i)
		assert_eq("by-a-cl" .. i, disk.get(vm))
	end)
end
]]

local function clones(name, first) return (CLONES:gsub("NAME", name):gsub("FIRST", first)) end

-- Checks that the suite passes, and that it leaves the disk image unchanged.
local function passes(h, image)
	local before = runner.shell("cksum <" .. h.suite .. "/" .. image)
	local r = h:run { "test", "t.lua" }
	assert_eq(0, r.status, r.said)
	assert_eq(before, runner.shell("cksum <" .. h.suite .. "/" .. image))
end

test("each clone has the disk as the fixture saved it, and the image is not written to", function()
	with_disk(PLAIN, clones("base", "original"), function(h)
		passes(h, "disk.img")
		passes(h, "disk.img")
	end)
end)

test("every clone's disk has the data that the fixture's script wrote", function()
	with_disk("local vm = " .. PLAIN .. "require('disk').put(vm, 'prepared')\n", clones("base", "prepared"),
		function(h) passes(h, "disk.img") end)
end)

test("the disk of a fixture on top of another has the data of both scripts", function()
	with_disk("local vm = " .. PLAIN .. "require('disk').put(vm, 'prepared')\n", clones("child", "ch-pared"), function(h)
		h:script("child", "require('disk').put(provium.fixture('base'), 'ch-')\n")
		passes(h, "disk.img")
	end)
end)

test("restore brings back a clone's disk", function()
	with_disk(PLAIN, [[
test("goes back", { fixture = "base" }, function(vm)
	disk.put(vm, "snapshot")
	local s = vm:snapshot()
	for i = 1, 2 do
		disk.put(vm, "after-it")
		vm:restore(s)
		assert_eq("snapshot", disk.get(vm))
	end
end)
]], function(h) passes(h, "disk.img") end)
end)

test("a changed disk image rebuilds the fixture", function()
	with_disk(PLAIN, clones("base", "original"), function(h)
		passes(h, "disk.img")
		h:write("disk.img", "modified" .. ("\0"):rep((4 << 20) - 8))
		h:is_rebuilt("base", "disk.img changed")
		h:write("t.lua", "local disk = require 'disk'\n" .. clones("base", "modified"))
		passes(h, "disk.img")
	end)
end)

test("a read-only disk is read-only in a clone", function()
	with_disk("provium.create():boot { memory = '128M', disks = { { path = '../disk.img', readonly = true } } }\n", [[
test("reads", { fixture = "base" }, function(vm)
	assert_eq("original", disk.get(vm))
	assert_eq("1\n", vm:read_file("/sys/block/vda/ro"))
end)
]], function(h) passes(h, "disk.img") end)
end)
