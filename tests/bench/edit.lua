-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: medians of one run.
-- 1. From the change of one line in a module of ten files to the verdict of
-- make test, compared with kbuild alone.
-- 2. make with nothing to build, for a module beside 100,000 files, compared
-- with one without.

local ROUNDS, ALLOWANCE_S, LIMIT, FILES = 9, 0.5, 1.15, 10
local MANY_LIMIT = 2

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"

local MAIN = [[
#include <linux/module.h>
MODULE_LICENSE("GPL");
]]

local TEST = [[
test("the module of ten files is loaded", { fixture = provium.profile }, function(vm)
	vm:insmod("ten")
	assert(vm:exec("test -d /sys/module/ten").ok)
end)
]]

-- Writes the module's source file number i, with one line that no round before
-- had.
local function change(folder, i, round)
	runner.write(("%s/part%d.c"):format(folder, i), ("#include <linux/fs.h>\nint ten_part%d = %d;\n"):format(i, round))
end

local function make_module(folder)
	local objects = { "main.o" }
	runner.shell("mkdir -p " .. folder .. "/tests")
	for i = 2, FILES do
		change(folder, i, 0)
		objects[i] = ("part%d.o"):format(i)
	end
	runner.write(folder .. "/main.c", MAIN)
	runner.write(folder .. "/Kbuild", ("obj-m := ten.o\nten-y := %s\n"):format(table.concat(objects, " ")))
	runner.write(folder .. "/tests/loads.lua", TEST)
end

test("the edit of a line of a module is compared with the time of compiling it", { timeout = "60m" }, function()
	runner.with_folder(function(dir)
		local ours, alone, tested, compiled = dir .. "/ten", dir .. "/alone", {}, {}
		make_module(ours)
		make_module(alone)
		local function make_test()
			assert(os.execute(("%s make -s -C %s/.. test MODULE=%s T=loads </dev/null >%s/said 2>&1"):format(
				bench.CLEAN_ENV, runner.home, ours, dir)), runner.read(dir .. "/said"))
		end
		make_test()
		bench.compile(alone)
		for round = 1, ROUNDS do
			change(ours, 2, round)
			change(alone, 2, round)
			tested[round] = bench.seconds(make_test)
			compiled[round] = bench.compile(alone)
		end
		bench.row("edit a module of ten files / compile + 0.5 s", bench.median(tested),
			bench.median(compiled) + ALLOWANCE_S, LIMIT)
		assert(true)
	end)
end)

test("make with nothing to build for a module beside 100,000 files is compared with one without", function()
	runner.with_folder(function(dir)
		local took = { few = {}, many = {} }
		local function make(name)
			assert(os.execute(("%s make -s -C %s/.. modules KIT_MODULES= MODULE=%s/%s </dev/null >%s/said 2>&1"):format(
				bench.CLEAN_ENV, runner.home, dir, name, dir)), runner.read(dir .. "/said"))
		end
		for name in pairs(took) do
			runner.shell(("mkdir -p %s/%s/tree"):format(dir, name))
			runner.write(("%s/%s/main.c"):format(dir, name), MAIN)
			runner.write(("%s/%s/Kbuild"):format(dir, name), "obj-m := main.o\n")
		end
		runner.shell(("cd %s/many/tree && seq 100000 | xargs touch"):format(dir))
		for round = 0, ROUNDS do
			for name, seconds in pairs(took) do
				local s = bench.seconds(function() make(name) end)
				if round > 0 then seconds[round] = s end
			end
		end
		bench.row("make with nothing to do, 100,000 files / few", bench.median(took.many), bench.median(took.few),
			MANY_LIMIT)
		assert(true)
	end)
end)
