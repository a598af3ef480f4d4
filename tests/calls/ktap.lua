-- SPDX-License-Identifier: GPL-2.0-only
-- vm:ktap(), kselftest() and ltp(), and the output of commands that do not end
-- by themselves.

local runner = require "runner"

local vm = provium.create():boot()
vm:exec "mkdir /tmp/k"

-- Writes a shell script that prints the lines, then runs `rest`. Returns the
-- script's path in the guest.
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

test("exec that reaches its time limit keeps the output that the command had written", function()
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

test("a program that hangs gives the results it has printed, and the next one fails", function()
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

-- Writes an executable shell script to the guest.
local function script(path, text) vm:write_file(path, "#!/bin/sh\n" .. text, { mode = 493 }) end

test("kselftest runs a program in its folder, and takes its results", function()
	vm:write_file("/tmp/k/data", "yes\n")
	script("/tmp/k/prog", 'echo 1..2; echo "ok 1 $(cat data)"; echo "ok 2 $1"')
	local out = vm:kselftest("/tmp/k/prog", { args = { "it's" } })
	assert_eq({ "yes", "it's" }, { out.results[1].name, out.results[2].name })
end)

test("a kselftest without KTAP is one result by its exit status", function()
	script("/tmp/k/plain", "echo fine")
	assert_eq({ { name = "plain", verdict = "ok" } }, vm:kselftest("/tmp/k/plain").results)
	script("/tmp/k/plain", "exit 2")
	assert_error(function() vm:kselftest "/tmp/k/plain" end, "kselftest /tmp/k/plain: 1 of 1 results failed: plain")
end)

test("a program whose results are all skipped skips the test", function()
	local ok, err = pcall(vm.ktap, vm, program "KTAP version 1\n1..2\nok 1 a # SKIP too few cpus\nok 2 b # SKIP")
	assert_eq({ false, "skip" }, { ok, err.kind })
	assert_contains(err.message, "all results were skipped: too few cpus")
end)

test("a kselftest with exit status 4 skips the test", function()
	script("/tmp/k/skips", "exit 4")
	local ok, err = pcall(vm.kselftest, vm, "/tmp/k/skips")
	assert_eq({ false, "skip" }, { ok, err.kind })
	assert_contains(err.message, "kselftest /tmp/k/skips: the program ended with exit status 4, which means skip")
end)

test("the file settings beside a kselftest sets its time limit", function()
	vm:write_file("/tmp/k/settings", "# seconds\ntimeout=1\n")
	script("/tmp/k/slow", "exec sleep 1000")
	local err = assert_error(function() vm:kselftest "/tmp/k/slow" end, "no result within")
	assert_eq("timeout", err.kind)
	vm:exec "rm /tmp/k/settings"
end)

test("ltp reads the results that a program prints to stderr", function()
	script("/tmp/k/open01", "echo 'open01.c:1: TPASS: fine' >&2")
	assert_eq(1, vm:ltp("/tmp/k/open01").passed)
end)
