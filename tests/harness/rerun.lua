-- SPDX-License-Identifier: GPL-2.0-only
-- --rerun-failed: runs the tests that failed in their last run.

local runner = require "runner"

-- Calls fn(run, dir) with three test files and a runner in its own folder;
-- run([env,] args) returns output and status.
local function with_runner(fn)
	runner.with_folder(function(dir)
		os.execute(("mkdir -p %s/out/bin && cp %s %s/out/bin/provium"):format(dir, runner.quote(runner.path), dir))
		runner.write(dir .. "/a.lua", "test('one', function() assert(true) end)\ntest('two\\n', function() assert(false) end)\ntest('three', function() assert(false) end)\n")
		runner.write(dir .. "/b.lua", "assert(false)\n")
		runner.write(dir .. "/c.lua", "test('fine', function() assert(true) end)\n")
		fn(function(...)
			local args = { "test", ... }
			local env = { PROVIUM_INSIDE = "", PROFILE = "", ACCEL = "", TRANSPORT = "" }
			if type(args[2]) == "table" then
				for name, value in pairs(table.remove(args, 2)) do env[name] = value end
			end
			local r = runner.run(args, { cwd = dir, runner = dir .. "/out/bin/provium", env = env })
			return r.said, r.status
		end, dir)
	end)
end

local function passing(name) return ("test(%q, function() assert(true) end)\n"):format(name) end

test("--rerun-failed runs the failed tests of all files, and no others", function()
	with_runner(function(run)
		run("a.lua", "b.lua", "c.lua")
		local said, status = run("--rerun-failed")
		assert_eq(1, status)
		assert_contains(said, "a.lua ... FAIL (2 of 2 failed, Ts)\n  · two\\n ... FAIL")
		assert_contains(said, "b.lua ... FAIL (1 of 1 failed, Ts)\n")
		assert_eq(nil, said:find("c.lua", 1, true))
	end)
end)

test("--rerun-failed with files runs the failed tests of these files", function()
	with_runner(function(run)
		run("a.lua", "b.lua", "c.lua")
		local said = run("--rerun-failed", "b.lua", "c.lua")
		assert_eq(nil, said:find("a.lua", 1, true))
		assert_contains(said, "b.lua ... FAIL")
	end)
end)

test("--rerun-failed removes a passed test from its list, and keeps one that did not run", function()
	with_runner(function(run, dir)
		run("a.lua", "b.lua", "c.lua")
		run("-f", "^three$", "a.lua")
		runner.write(dir .. "/b.lua", passing "now it has tests")
		runner.write(dir .. "/a.lua", passing "one" .. passing "two\n" .. "test('three', function() assert(false) end)\n")
		local said, status = run("--rerun-failed")
		assert_eq(1, status)
		assert_contains(said, "a.lua ... FAIL (1 of 2 failed, Ts)\n  · two\\n ... ok\n  · three ... FAIL")
		said = run("--rerun-failed")
		assert_eq("a.lua ... FAIL (1 of 1 failed, Ts)\n", said:match("^[^\n]*\n"))
		runner.write(dir .. "/a.lua", passing "three")
		said, status = run("--rerun-failed", ".")
		assert_eq({ "a.lua ... ok (1 test, Ts)\n  · three ... ok\nok: 1 passed\n", 0 }, { said, status })
		said, status = run("--rerun-failed")
		assert_eq({ "provium test: --rerun-failed: no test failed when it last ran\nok: 0 passed\n", 0 }, { said, status })
	end)
end)

test("--fail-fast keeps the tests that it did not reach on the list of failed tests", function()
	with_runner(function(run)
		run("a.lua")
		run("--fail-fast", "a.lua")
		assert_contains((run("--rerun-failed")), "(2 of 2 failed, Ts)")
	end)
end)

-- A test that fails, and logs the PROFILE and ACCEL with which it runs.
local LOGS = "test(%q, function() log(os.getenv 'PROFILE' or '-', os.getenv 'ACCEL' or '-') assert(false) end)\n"

test("--rerun-failed runs each file with the profile and accelerator it failed with, and says so", function()
	with_runner(function(run, dir)
		runner.write(dir .. "/a.lua", LOGS:format "a")
		runner.write(dir .. "/b.lua", LOGS:format "b")
		run({ PROFILE = "other", ACCEL = "tcg" }, "a.lua")
		run("b.lua")
		local said = run("--rerun-failed", "a.lua", "b.lua")
		assert_contains(said, "a.lua runs with what it failed with: PROFILE=other ACCEL=tcg\na.lua ... FAIL")
		assert_contains(said, "log: other tcg\n")
		assert_contains(said, "log: - -\n")
		assert_eq(nil, said:find("b.lua runs with", 1, true), said)
		-- After the test has failed again, the list still has PROFILE
		-- and ACCEL.
		assert_contains(run("--rerun-failed", "a.lua"), "log: other tcg\n")
	end)
end)

test("--rerun-failed runs with the profile that the user gives", function()
	with_runner(function(run, dir)
		runner.write(dir .. "/a.lua", LOGS:format "a")
		run({ PROFILE = "other", ACCEL = "tcg" }, "a.lua")
		local said = run({ PROFILE = "minimal" }, "--rerun-failed")
		assert_contains(said, "a.lua runs with what it failed with: ACCEL=tcg\n")
		assert_contains(said, "log: minimal tcg\n")
	end)
end)

test("the list of failed tests keeps a failed test's profile when another test passes", function()
	with_runner(function(run, dir)
		runner.write(dir .. "/a.lua", LOGS:format "one" .. LOGS:format "two")
		run({ PROFILE = "other" }, "a.lua")
		runner.write(dir .. "/a.lua", passing "one" .. LOGS:format "two")
		run("-f", "^one$", "a.lua")
		assert_contains(run("--rerun-failed"), "log: other -\n")
	end)
end)

test("--rerun-failed with a damaged list runs nothing", function()
	with_runner(function(run, dir)
		run("a.lua")
		runner.write(dir .. "/out/failed.json", "{")
		local said, status = run("--rerun-failed")
		assert_eq({ "provium test: --rerun-failed: no test failed when it last ran\nok: 0 passed\n", 0 }, { said, status })
	end)
end)

test("eight runners at once all add their failures to the list of failed tests", function()
	with_runner(function(run, dir)
		for i = 1, 40 do runner.write(("%s/f%d.lua"):format(dir, i), "test('x', function() assert(false) end)\n") end
		runner.shell(("cd %s && ls f*.lua | env PROVIUM_INSIDE= xargs -P 8 -n 1 out/bin/provium test 2>&1"):format(dir))
		local _, failed = run("--rerun-failed"):gsub("%.lua %.%.%. FAIL", "")
		assert_eq(40, failed)
	end)
end)

test("--rerun-failed with a damaged entry in failed.json runs that whole file", function()
	with_runner(function(run, dir)
		for _, damaged in ipairs { '{ "tests": [5] }', '{ "tests": ["three", null], "PROFILE": 5 }', "{}", "[]", "\"x\"", "7" } do
			runner.write(dir .. "/out/failed.json", ('{ "%s/a.lua": %s }'):format(dir, damaged))
			local said, status = run("-f", "^one$", "a.lua")
			assert_eq({ "a.lua ... ok (1 test, Ts)\n  · one ... ok\nok: 1 passed\n", 0 }, { said, status }, damaged)
			said, status = run("--rerun-failed")
			assert_eq({ "a.lua ... FAIL (2 of 3 failed, Ts)\n", 1 }, { said:match("^[^\n]*\n"), status }, damaged)
			assert_eq("a.lua ... FAIL (2 of 2 failed, Ts)\n", run("--rerun-failed"):match("^[^\n]*\n"), damaged)
		end
	end)
end)
