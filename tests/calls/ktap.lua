-- SPDX-License-Identifier: GPL-2.0-only
-- vm:ktap(), and the output of commands that do not end by themselves.

local runner = require "runner"

local vm = provium.create():boot()

-- Writes a shell script that prints the lines, then runs `rest`. Returns its
-- path in the guest.
local function program(lines, rest)
	vm:write_file("/tmp/program", ("#!/bin/sh\ncat <<'END'\n%s\nEND\n%s\n"):format(lines, rest or ""), { mode = 493 })
	return "/tmp/program"
end

test("write_file sets the mode that it is given", function()
	vm:write_file("/tmp/mode", "x", { mode = 384 })
	assert_eq("600", vm:exec("stat -c %a /tmp/mode").stdout.trim())
	vm:write_file("/tmp/mode", "y")
	assert_eq("600", vm:exec("stat -c %a /tmp/mode").stdout.trim(), "a file that exists keeps its mode")
	assert_error(function() vm:write_file("/tmp/mode", "x", { mode = "rw" }) end, 'write_file /tmp/mode: mode: expected an integer')
end)

test("ktap returns the numbers of results of a program that passes", function()
	local out = vm:ktap(program "KTAP version 1\n1..2\nok 1 a\nok 2 b # SKIP c")
	assert_eq({ 1, 0, 1 }, { out.passed, out.failed, out.skipped })
end)

test("ktap raises an error that names the results that failed", function()
	local err = assert_error(function() vm:ktap(program("1..2\nnot ok 1 broken\nok 2 b", "exit 1")) end,
		'ktap "/tmp/program": 1 of 2 results failed: broken')
	assert_eq("fail", err.kind)
end)

test("exec that runs into its time limit keeps the output that had come", function()
	local err = assert_error(function() vm:exec("echo so far; echo why >&2; exec sleep 1000", { timeout = 1 }) end,
		"no result within")
	assert_eq("so far", err.stdout.trim())
	assert_eq("why\n", err.stderr.value)
end)

test("exec keeps the output of a command that panics the guest", { expect_panic = true }, function()
	local own = provium.create():boot()
	local err = assert_error(function() own:exec("echo last words; sync; sleep 0.2; echo c >/proc/sysrq-trigger") end, "panicked")
	assert_eq("last words", err.stdout.trim())
end)

test("a program that hangs gives the results up to there, and fails the next", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/hangs.lua", [[
			test("hangs", function()
				local vm = provium.create():boot()
				vm:ktap("echo 1..3; echo ok 1 a; exec sleep 1000", { timeout = 2 })
			end)]])
		local r = runner.run { "test", dir .. "/hangs.lua" }
		assert_eq(1, r.status)
		assert_contains(r.said, "      · a ... ok\n      · result 2 ... FAIL: exec ")
		assert_contains(r.said, "      · result 3 ... FAIL: not run")
	end)
end)
