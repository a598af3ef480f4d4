-- SPDX-License-Identifier: GPL-2.0-only
-- How insmod sees that a module was built from older sources.

local runner = require "runner"
local stale_source = require "provium.stale_module"

-- Calls fn with the folder of a module that was just built, with what
-- vm.core:info() says of the profile, and with the copy of the folder in which
-- make built the module.
local function with_module(fn)
	runner.with_folder(function(base)
		local folder, tree = base .. "/ring", base .. "/out/minimal.modules/tree"
		for _, dir in ipairs { folder, tree .. folder } do
			runner.add_file(dir .. "/ring.c", "int a;\n")
			runner.add_file(dir .. "/ring.h", "int h;\n")
			runner.add_file(dir .. "/NOTES", "one\n")
		end
		runner.add_file(tree .. folder .. "/ring.ko", "")
		runner.add_file(tree .. folder .. "/ring.mod.c", "")
		runner.shell(("mkdir %s/debug && ln -s %s%s/ring.ko %s/debug"):format(base, tree, folder, base))
		runner.shell(("touch -d yesterday %s/*"):format(folder))
		fn(folder, { debug = base .. "/debug" }, tree .. folder)
	end)
end

local function check_source(expected, info)
	local source = stale_source(info, "ring.ko")
	assert_eq(expected, source)
end

test("a module whose sources have not changed since its build is not stale", function()
	with_module(function(folder, info)
		check_source(nil, info)
		runner.shell("touch -d tomorrow " .. folder .. "/ring.c")
		runner.write(folder .. "/NOTES", "two\n")
		check_source(nil, info)
	end)
end)

test("a module is stale after a change of a source or header", function()
	with_module(function(folder, info)
		runner.write(folder .. "/ring.h", "int i;\n")
		check_source(folder .. "/ring.h", info)
		runner.write(folder .. "/ring.c", "int b;\n")
		check_source(folder .. "/ring.c", info)
	end)
end)

test("a module is not stale if only its build has changed the copy of a source", function()
	with_module(function(_, info, copy)
		runner.write(copy .. "/ring.h", "int generated;\n")
		check_source(nil, info)
	end)
end)

test("a module that make did not build is never stale", function()
	with_module(function(folder, info)
		runner.write(folder .. "/ring.c", "int b;\n")
		check_source(nil, {})
		check_source(nil, { debug = folder })
		runner.shell("rm -r " .. folder)
	end)
end)
