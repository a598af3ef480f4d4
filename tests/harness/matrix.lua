-- SPDX-License-Identifier: GPL-2.0-only
-- make test PROFILES=, KERNELS=: the tests on each kernel, and the table.

local runner = require "runner"
local tree = require "tree"

local GOOD = "test('fine', function() assert(true) end)\n"
local ODD = GOOD .. "test('odd', function() assert(provium.profile ~= 'second', 'not here') end)\n"

-- Calls fn(t) with a tree whose runner gets the name of the profile, and in
-- which the kernel "unbuilt" cannot be built.
local function with_tree(fn)
	tree.with({ a = GOOD }, function(t)
		os.execute("mkdir " .. t.dir .. "/tests/io")
		t:write("io/odd", ODD)
		t:write("io/skipped", "test('later', function() skip('no device') end)\n")
		local path = t.dir .. "/Makefile"
		runner.write(path, runner.read(path) .. "export PROFILE\nifeq ($(PROFILE),unbuilt)\n"
			.. "modules: ; @echo 'kernel: an error' >&2; exit 1\nendif\n")
		fn(t)
	end)
end

test("make test PROFILES= runs the tests on each profile and prints a table", function()
	with_tree(function(t)
		local said, status = t:make("test PROFILES='first second unbuilt'")
		assert_eq(2, status, said)
		local expected = [[
                first   second       unbuilt
a.lua           ok 1    ok 1         -
io/odd.lua      ok 2    FAIL 1 of 2  -
io/skipped.lua  skip 1  skip 1       -
                ok      FAIL         not built
differs: io/odd.lua: odd: fails on second, passes on first
]]
		assert_eq(expected, t:read("out/report/matrix.txt"))
		assert_contains(said, "\n\n" .. expected .. "make: ***")
		assert_contains(said, "\nsecond:\n")
		assert_contains(said, "\nkernel: an error\n")
	end)
end)

test("make test PROFILES= ends with success if all tests pass, and reuses verdicts of each profile", function()
	with_tree(function(t)
		local said, status = t:make("test PROFILES='first third' T=io")
		assert_eq(0, status, said)
		said, status = t:make("test PROFILES='third first' T=io")
		assert_eq({ {}, 0 }, { tree.finished(said), status }, said)
		assert_contains(t:read("out/report/matrix.txt"), "odd.lua      ok 2    ok 2\n")
		assert_eq({ "a" }, tree.finished((t:make("test PROFILES=third"))))
	end)
end)

test("make test KERNELS= runs the tests of every profile on each named kernel tree", function()
	with_tree(function(t)
		os.execute(("mkdir -p %s/new %s/old && touch %s/new/Kconfig %s/old/Kconfig"):format(t.dir, t.dir, t.dir, t.dir))
		local path = t.dir .. "/Makefile"
		runner.write(path, runner.read(path) .. "modules: tree\ntree: ; @echo \"built $(KERNEL_SRC)\"\n")
		local said, status = t:make("test T=a KERNELS='6.1=old next=./new'")
		assert_eq(0, status, said)
		assert_contains(said, "\nsmall@6.1:\nbuilt " .. t.dir .. "/old\n")
		assert_contains(said, "\nsmall@next:\nbuilt " .. t.dir .. "/./new\n")
		t:make("test T=a PROFILES='first second' KERNELS='6.1=old next=new'")
		assert_contains(t:read("out/report/matrix.txt"), "first@6.1  first@next  second@6.1  second@next\n")
	end)
end)

local refused = {
	["PROFILES='a b' PROFILE=c"] = "PROFILES=a b PROFILE=c: give only one of these variables",
	["KERNELS=old"] = 'KERNELS=old: expected NAME=TREE, got "old"',
	["KERNELS='a=none'"] = "KERNELS=a=none: none is not a kernel tree: it has no Kconfig",
	["KERNELS='a=old a=old'"] = "two kernels have one name",
	["KERNELS='a=old' KERNEL_SRC=old"] = "KERNELS=a=old KERNEL_SRC=old: KERNEL= and KERNEL_SRC= name one kernel",
	["PROFILES=a stress"] = 'stress: only "make test" and "make retest" take PROFILES= and KERNELS=',
}
for args, message in pairs(refused) do
	test(("make %s is refused with what to do"):format(args), function()
		with_tree(function(t)
			os.execute(("mkdir -p %s/old && touch %s/old/Kconfig"):format(t.dir, t.dir))
			local said, status = t:make((args:find("stress") and "" or "test ") .. args)
			assert_eq(2, status, said)
			assert_contains(said, message)
		end)
	end)
end
