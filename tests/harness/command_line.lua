-- SPDX-License-Identifier: GPL-2.0-only
-- The runner's arguments, and its messages about wrong ones.

local runner = require "runner"

local function assert_usage(args, message)
	local r = runner.run(args)
	assert_eq(2, r.status)
	assert_eq(message, r.said:match("^[^\n]*"))
	assert_contains(r.said, "usage: provium ")
end

test("provium without a command is a usage error, and prints the list of commands", function()
	local r = runner.run {}
	assert_eq({ 2, runner.run({ "--help" }).said }, { r.status, r.said })
end)

test("provium --help lists the commands for users before those that only make runs", function()
	assert_eq([[
usage: provium COMMAND [ARGUMENT]...

Run tests and commands
  test               run test files and report their results
  exec               run one shell command in a new VM
  shell              open an interactive shell in a new VM
  repl               open a Lua prompt on a new VM
  gdb                debug the kernel and the modules of a new VM with gdb
  replay             run a recorded VM again, instruction by instruction the same
  make               build the module in this folder and run its tests
  init               write a first test into a module's folder

Find the commit
  check              judge the commit that is checked out, for `git bisect run`
  bisect             find the commit that broke a test

Look after the host
  doctor             check what this host offers, and advise on what is missing
  fixture            build, list or remove fixtures (booted VMs saved in files)
  gate               list the runners that hold or wait for memory
  kept               list or end the VMs that failed tests have left

About this program
  explain            say what a word of a report means, and what to do
  protocol           print the manual of the protocol between runner and agent
  version            print the version

Used by make (mk/test.mk) and by shells
  accel              print the accelerator of a profile's VMs
  make-plan          begin a session: note which tests make is going to run
  make-order         write a makefile that starts the longest tests first
  make-test          run a test file, and return the job tokens of a killed runner
  make-summary       sum up the results and write the reports
  make-matrix        print the results on several kernels as a table
  make-watch         run a command now and again after each save
  complete           print what can stand at a place of a command line

`provium COMMAND --help` explains a command.
]], runner.run({ "--help" }).said)
end)

test("the help of each command fits into 80 columns", function()
	for name in runner.run({ "--help" }).said:gmatch("\n  (%l[%l-]+) ") do
		local r = runner.run { name, "--help" }
		assert_eq({ 0, "usage: provium " .. name }, { r.status, r.said:match("^usage: provium [%l-]+") })
		assert_eq(r.said, runner.run({ "help", name }).said)
		for line in r.said:gmatch("[^\n]*") do assert(#line <= 80, line) end
	end
end)

test("--help prints its text to stdout with status 0", function()
	for _, args in ipairs {
		{ "--help" }, { "help" }, { "test", "--help" }, { "exec", "--help" }, { "version", "--help" },
	} do
		local r = runner.run(args)
		assert_eq(0, r.status)
		assert_eq("usage: provium ", r.said:sub(1, 15))
	end
end)

test("an unknown command is a usage error", function()
	assert_usage({ "frobnicate" }, "provium: there is no command \"frobnicate\"")
end)

test("provium test without a file is a usage error", function()
	assert_usage({ "test" }, "provium test: expected a test file or a folder")
end)

test("the usage error for an unknown --format lists the known formats", function()
	assert_usage({ "test", "--format", "xml", "good.lua" }, "provium test: --format xml: expected human, tap, json, junit, html or github")
end)

test("provium test with an unknown option is a usage error", function()
	assert_usage({ "test", "--bogus", "good.lua" }, "provium test: unrecognized option '--bogus'")
end)

test("provium test --repeat with 0 or with no number is a usage error", function()
	assert_usage({ "test", "--repeat", "often", "good.lua" }, "provium test: --repeat often: expected a number of 1 or more")
	assert_usage({ "test", "--repeat", "0", "good.lua" }, "provium test: --repeat 0: expected a number of 1 or more")
end)

test("provium test --verdict with two files is a usage error", function()
	assert_usage({ "test", "--verdict", "x", "good.lua", "whole.lua" }, "provium test: --verdict needs exactly one file, and excludes --repeat and --shard")
end)

test("provium test --shard with a wrong number of a part is a usage error", function()
	for _, value in ipairs {
		"0/5", "6/5", "1/0", "5", "/", "1/", "/2", "-1/2", "1/2/3", "a/b", " 1/2", "1/99999999999",
	} do
		assert_usage({ "test", "--shard", value, "good.lua" }, ("provium test: --shard %s: expected the number of a part and of all parts, from 1/1, such as 2/5")
			:format(value))
	end
end)

test("a malformed --mem, --cpus or PROVIUM_MEM is a usage error", function()
	assert_usage({ "test", "--mem", "much", "good.lua" }, "provium test: --mem much: expected a size such as 512M or 2G")
	assert_usage({ "test", "--cpus", "0", "good.lua" }, "provium test: --cpus 0: expected a number from 1 to 65535")
	for _, args in ipairs {
		{ "test", "good.lua" }, { "exec", "minimal", "true" }, { "fixture", "list" }, { "gate" },
	} do
		local r = runner.run(args, { env = { PROVIUM_MEM = "17179869184G" } })
		assert_eq({ 2, ("provium %s: PROVIUM_MEM=17179869184G: expected a size such as 512M or 2G"):format(args[1]) },
			{ r.status, r.said:match("^[^\n]*") })
	end
end)

test("the error of provium test for a missing file names the file", function()
	local r = runner.run { "test", "nonesuch.lua" }
	assert_eq({ "provium test: nonesuch.lua: No such file or directory\n", 2 }, { r.said, r.status })
end)

test("provium test of a folder without tests is refused", function()
	runner.with_folder(function(dir)
		local r = runner.run({ "test", "." }, { cwd = dir })
		assert_eq({ "provium test: .: contains no test files (*.lua)\n", 2 }, { r.said, r.status })
	end)
end)

test("provium exec without profile or command, or with a bad option, is a usage error", function()
	assert_usage({ "exec" }, "provium exec: expected a profile and a command")
	assert_usage({ "exec", "minimal" }, "provium exec: expected a profile and a command")
	assert_usage({ "exec", "--fixture", "minimal" }, "provium exec: expected a command")
	assert_usage({ "exec", "--fixture", "minimal", "--cpus", "2", "true" },
		"provium exec: --fixture excludes --memory and --cpus: the fixture's VM has its own")
	assert_usage({ "exec", "--cpus", "none", "minimal", "true" }, "provium exec: --cpus none: expected a number of 1 or more")
	local r = runner.run { "exec", "--timeout", "soon", "minimal", "true" }
	assert_eq(2, r.status)
	assert_contains(r.said, "exec: --timeout: expected seconds or a duration like \"500ms\", \"5s\", \"10m\", got soon")
end)

test("the error of provium exec for an unknown profile lists the known profiles", function()
	local r = runner.run { "exec", "nonesuch", "true" }
	assert_eq(2, r.status)
	assert_contains(r.said, "provium: there is no profile \"nonesuch\"; there are: " .. runner.profiles() .. "\n")
end)

test("an option of exec after the profile is a usage error", function()
	local r = runner.run { "exec", "minimal", "--insmod", "ring.ko", "true" }
	assert_eq(2, r.status)
	assert_contains(r.said, "provium exec: --insmod: options stand before the profile\n")
end)

test("version prints the versions of the runner, the protocol and Lua", function()
	local r = runner.run { "version" }
	assert_eq(0, r.status)
	assert(r.said:match("^provium %d+%.%d+, protocol %x+, Lua 5%.4%.%d+\n$"), r.said)
	assert_eq(r.said, runner.run({ "--version" }).said)
end)

-- Returns what provium exec says of a variable in the environment, in a folder
-- with a made-up profile.
local function exec_with(env)
	local dir, _ <close> = runner.new_folder()
	runner.write(dir .. "/provium.toml", '[profile.small]\nkernel = "image"\ninitrd = "image"\nmachine = "microvm"\n')
	runner.write(dir .. "/image", "")
	local r = runner.run({ "exec", "small", "true" }, { cwd = dir, env = env })
	assert_eq(2, r.status)
	return r.said
end

test("the error for an unknown accelerator lists the known accelerators", function()
	assert_contains(exec_with { ACCEL = "xen" }, "ACCEL=xen; expected auto, kvm or tcg")
end)

test("the error for an unknown transport lists the known transports", function()
	assert_contains(exec_with { TRANSPORT = "pigeon" }, "TRANSPORT=pigeon; expected ")
end)

-- --- the choice of tests ---

test("the test files of a folder run in order, without lib, fixtures and hidden names", function()
	runner.with_folder(function(dir)
		for _, name in ipairs {
			"b.lua", "a.lua", "sub/c.lua", "lib/no.lua", "fixtures/no.lua",
			"_no/no.lua", ".no/no.lua", ".no.lua", "no.txt",
		} do
			os.execute(("mkdir -p %s/%s"):format(dir, name:match("^(.*)/") or ""))
			runner.write(dir .. "/" .. name, "assert(true)\n")
		end
		local r, ran = runner.run { "test", dir }, {}
		for name in r.said:gmatch("([^\n]-) %.%.%. ok %(") do ran[#ran + 1] = name end
		assert_eq({ "a.lua", "b.lua", "c.lua" }, ran)
		assert_eq(0, r.status)
	end)
end)

test("the parts of --shard together have each file once, and the same files each time", function()
	runner.with_folder(function(dir)
		local all = {}
		for i = 1, 7 do
			all[i] = ("t%d.lua"):format(i)
			runner.write(("%s/%s"):format(dir, all[i]), "assert(true)\n")
		end
		for _, nr_parts in ipairs { 1, 2, 5, 8 } do
			local ran = {}
			for part = 1, nr_parts do
				local args = { "test", "--shard", ("%d/%d"):format(part, nr_parts), dir }
				local r = runner.run(args)
				assert_eq(0, r.status, r.said)
				for name in r.said:gmatch("([^\n]-) %.%.%. ok %(") do ran[#ran + 1] = name end
				if part > 7 then
					assert_eq(("provium test: --shard %d/%d: there are only 7 files, none for this part\nok: 0 passed\n"):format(part, nr_parts), r.said)
				end
			end
			table.sort(ran)
			assert_eq(all, ran)
		end
		for _ = 1, 2 do
			local r = runner.run { "test", "--shard", "2/5", dir }
			assert_eq({ "t2", "t7" }, { r.said:match("^(t%d)%.lua.*\n(t%d)%.lua [^\n]*\n[^\n]*\nok: 2 passed\n$") })
		end
	end)
end)

test("-f whose tests are in another part of --shard is no error", function()
	local r = runner.run { "test", "--shard", "1/2", "-f", "^one$", "verdicts.lua", "good.lua" }
	assert_eq(0, r.status, r.said)
	assert_contains(r.said, "-f ^one$: no test's title matches")
end)

test("-f runs the tests whose title matches the pattern", function()
	local r = runner.run { "test", "-f", "^tw.$", "good.lua" }
	assert_eq([[
good.lua ... ok (1 test, Ts)
  · two ... ok
ok: 1 passed
]], r.said)
end)

test("-f without a matching test is an error, and no summary says ok", function()
	local r = runner.run { "test", "-f", "nonesuch", "good.lua" }
	assert_eq(2, r.status)
	assert_contains(r.said, "provium test: -f nonesuch: no test's title matches\n")
	assert_eq(nil, r.said:find("\nok: 0 passed", 1, true), r.said)
	r = runner.run { "test", "-f", "none-such", "good.lua" }
	assert_contains(r.said, "no test's title matches; it is a Lua pattern, in which a % before one of - . + * ? ^ $ ( ) [ ] % ")
end)

test("-f with a malformed pattern is a usage error", function()
	assert_usage({ "test", "-f", "[", "good.lua" }, "provium test: -f [: malformed pattern (missing ']')")
end)

test("--fail-fast stops after the first failure", function()
	local r = runner.run { "test", "--fail-fast", "verdicts.lua", "good.lua" }
	assert_eq([[
verdicts.lua ... FAIL (1 of 2 failed, Ts)
  · passes ... ok
  · an assertion fails ... FAIL: expected 0, got -13 (EACCES)
      at verdicts.lua:5
FAIL: 1 passed, 1 failed
]], r.said)
	assert_eq(1, r.status)
end)

test("--repeat runs all files again", function()
	local r = runner.run { "test", "--repeat", "3", "good.lua", "whole.lua" }
	assert_eq("ok: 9 passed", r.said:match("([^\n]+)\n$"))
	assert_eq(0, r.status)
end)

test("--fail-fast ends --repeat", function()
	local r = runner.run { "test", "--fail-fast", "--repeat", "3", "whole_bad.lua" }
	assert_eq("FAIL: 0 passed, 1 failed", r.said:match("([^\n]+)\n$"))
	assert_eq(1, r.status)
end)

test("a test file is found by a relative path", function()
	runner.with_folder(function(dir)
		os.execute(("mkdir %s/here %s/there"):format(dir, dir))
		runner.write(dir .. "/there/t.lua", "test(\"found\", function() assert(true) end)\n")
		local r = runner.run({ "test", "../there/t.lua" }, { cwd = dir .. "/here" })
		assert_eq("t.lua ... ok (1 test, Ts)\n  · found ... ok\nok: 1 passed\n", r.said)
	end)
end)

test("a test file is found by an absolute path with blanks and quotes", function()
	runner.with_folder(function(dir)
		local odd = dir .. "/it's \"odd\""
		os.execute("mkdir " .. runner.quote(odd))
		runner.write(odd .. "/t.lua", "test(\"found\", function() assert(false) end)\n")
		local r = runner.run({ "test", odd .. "/t.lua" }, { cwd = "/" })
		assert_contains(r.said, ("at %s/t.lua:1\n"):format(odd))
		assert_eq(1, r.status)
	end)
end)
