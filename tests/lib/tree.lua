-- SPDX-License-Identifier: GPL-2.0-only
-- A tree of host tests, with the makefiles for tests and the runner of this
-- checkout: in it make runs tests that need no VM.

local runner = require "runner"

local tree = {}
tree.__index = tree

local here = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))

-- Without a kernel there is no accelerator to choose.
local RUNNER = [[#!/bin/sh
test "$1" = accel || exec %s "$@"
]]

local MAKEFILE = [[
.DEFAULT_GOAL := test
O := out
PROFILE := small
RUNNER := ./runner
N ?= 3
include KIT/mk/config.mk
unexport PROFILE
include KIT/mk/rules.mk
include KIT/mk/user-module.mk
include KIT/mk/test.mk
include KIT/mk/fixture.mk
include KIT/mk/watch.mk
.PHONY: all modules
all modules: ;
$O/provium.toml: ; @mkdir -p $O; touch $@
-include $(DEPENDENCIES)
]]

-- Calls fn(t) with a tree in t.dir that has these tests, { name = content }.
function tree.with(files, fn)
	runner.with_folder(function(dir)
		local t = setmetatable({ dir = dir }, tree)
		os.execute("mkdir " .. dir .. "/tests")
		runner.write(dir .. "/runner", RUNNER:format(runner.quote(runner.path)))
		os.execute("chmod +x " .. dir .. "/runner")
		runner.write(dir .. "/Makefile", (MAKEFILE:gsub("KIT", (here:gsub("%%", "%%%%")))))
		for name, content in pairs(files) do t:write(name, content) end
		fn(t)
	end)
end

function tree:write(name, content) runner.add_file(("%s/tests/%s.lua"):format(self.dir, name), content) end

function tree:read(path) return runner.read(self.dir .. "/" .. path) end

-- Returns the shell command for make in the tree, without the job server of a
-- make that runs this test.
function tree:command(args)
	return ("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T -u PROFILE timeout 100 make %s </dev/null 2>&1"):format(self.dir, args or "")
end

-- Runs make. Returns its output and exit status.
function tree:make(args)
	local pipe = assert(io.popen(self:command(args)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said, status
end

-- Returns the names of finished files, in the order of the output.
function tree.finished(said)
	local names = {}
	for name in ("\n" .. said):gmatch("\n([^\n ]+)%.lua %.%.%. ") do names[#names + 1] = name end
	return names
end

return tree
