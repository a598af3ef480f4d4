-- SPDX-License-Identifier: GPL-2.0-only
-- The tests of one folder of the kernel's selftests. mk/kselftest.mk writes a
-- fixture and a test file for each folder, which call this module.

local errors = require "provium.errors"
local read_file = require "provium.read_file"
local results = require "provium.results"
local session = require "provium.session"

local kselftest = {}

local MEMORY = "768M"
-- A target's file `settings` can have timeout=0, which means no limit. Here
-- NO_LIMIT replaces it, because no program may hang for ever.
local NO_LIMIT, LONGEST = "30m", "2h"

-- Returns what the list of a target (mk/kselftest/build) says: { tests = names,
-- missing = list of { name =, reason = }, none = why there is no program,
-- files = { [guest path] = host path }, others = commands that make folders and
-- links }.
local function read(path)
	session.depend(path)
	local list = { tests = {}, missing = {}, files = {}, others = {} }
	for line in io.lines(path) do
		local kind, name, text = line:match "^(%a+)\t([^\t]+)\t?(.*)$"
		if kind == "test" then
			list.tests[#list.tests + 1] = name
		elseif kind == "missing" then
			list.missing[#list.missing + 1] = { name = name, reason = text }
		elseif kind == "none" then
			list.none = text
		elseif kind == "dir" then
			list.others[#list.others + 1] = ("mkdir -p '%s'"):format(name)
		elseif kind == "link" then
			list.others[#list.others + 1] = ("ln -s '%s' '%s'"):format(text, name)
		else
			list.files[name] = text
		end
	end
	return list
end

-- Boots the VM of a target's fixture, with the target's files in it.
function kselftest.boot(list)
	local programs = read(list)
	local vm = provium.create():boot { memory = MEMORY, files = programs.files, timeout = "3m" }
	vm:mount_vfs()
	local made = vm:exec(table.concat(programs.others, " && "))
	assert(made.ok, made.stderr.value)
	return vm
end

-- Tests the programs of a target, each in a clone of the fixture; with
-- CLONE=target in one clone for all, until a program ends the VM.
function kselftest.tests(target, fixture, list)
	local programs, shared = read(list), nil
	provium.timeout = LONGEST
	for _, program in ipairs(programs.missing) do
		test(("%s: %s is built"):format(target, program.name), function()
			error(errors.new(errors.KIND.broken, "%s could not be built: %s", program.name, program.reason), 0)
		end)
	end
	if programs.none then
		test(target .. ": has a program to run", function() skip(programs.none) end)
	end
	local in_one = os.getenv "KSELFTEST_CLONE" == "target"
	local dir = "/kselftest/" .. target
	local settings = programs.files[dir .. "/settings"]
	local run_opts = { timeout = results.kselftest_limit(settings and read_file(settings) or "", NO_LIMIT) }
	for _, name in ipairs(programs.tests) do
		local opts = { fixture = not in_one and fixture or nil, timeout = LONGEST }
		test(("%s: %s"):format(target, name), opts, function(vm)
			if in_one then
				shared = shared or provium.fixture(fixture)
				vm = shared
			end
			local ok, err = pcall(vm.kselftest, vm, dir .. "/" .. name, run_opts)
			if ok then return end
			if in_one and err.kind == "guest" then shared = nil end
			error(err, 0)
		end)
	end
end

return kselftest
