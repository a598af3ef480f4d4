-- SPDX-License-Identifier: GPL-2.0-only
-- Tests as targets of make: which tests run, in which order, and what make
-- prints.

local core = require "provium.core"
local runner = require "runner"
local tree = require "tree"

local GOOD = "test('fine', function() assert(true) end)\n"
local BAD = "test('fine', function() assert(true) end)\ntest('bad', function() log('so') assert_eq(1, 2) end)\n"

local function lasting(seconds) return ("os.execute('sleep %g')\n"):format(seconds) .. GOOD end

local function sorted(list)
	table.sort(list)
	return list
end

-- Returns the lines of results.jsonl that have this event.
local function events(t, kind)
	local list = {}
	for line in t:read("out/report/results.jsonl"):gmatch("[^\n]+") do
		local event = assert(core.json(line))
		if event.event == kind then list[#list + 1] = event end
	end
	return list
end

test("make test prints a line for each file, its failures below it, and a summary", function()
	tree.with({ a = GOOD, b = BAD, c = GOOD }, function(t)
		local said, status = t:make()
		assert_eq(2, status)
		assert_eq({ "a", "b", "c" }, tree.finished(said))
		said = said:gsub("%d+%.%d+s", "Ts")
		assert_contains(said, "a.lua ... ok (1 test, Ts)\n")
		assert_contains(said, ([[
b.lua ... FAIL (1 of 2 failed, Ts)
  · bad ... FAIL: expected 1, got 2
      at tests/b.lua:2
      log: so
      repeat: %s test -f '^bad$' tests/b.lua
]]):format(runner.path))
		assert_contains(said, ([[
FAIL: tests/b.lua: bad
  repeat: %s test -f '^bad$' tests/b.lua
FAIL: 3 passed, 1 failed (3 files, 0 verdicts reused)
]]):format(runner.path))
	end)
end)

test("the repeat lines of make -C work in the folder in which make was started", function()
	tree.with({ b = BAD }, function(t)
		local function there(folder, command)
			return runner.shell(("mkdir -p %s && cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T -u PROFILE %s </dev/null 2>&1")
				:format(folder, folder, command))
		end
		for _, folder in ipairs { t.dir, t.dir .. "/else" } do
			local said = there(folder, ("make -C %s test"):format(t.dir))
			local first, second = said:match("repeat: ([^\n]*)\n.*repeat: ([^\n]*)")
			assert_eq(first, second, said)
			assert_contains(there(folder, first), "bad ... FAIL: expected 1, got 2\n")
		end
	end)
end)

test("make test after a repair runs the repaired file only", function()
	tree.with({ a = GOOD, b = BAD, c = GOOD }, function(t)
		t:make()
		t:write("b", GOOD)
		local said, status = t:make()
		assert_eq({ { "b" }, 0 }, { tree.finished(said), status })
		assert_contains(said, "ok: 3 passed (3 files, 2 verdicts reused)\n")
		said, status = t:make()
		assert_eq({ {}, 0 }, { tree.finished(said), status })
		assert_contains(said, "(3 files, 3 verdicts reused)")
	end)
end)

test("make retest runs files that passed before, and T= chooses among them", function()
	tree.with({ a = GOOD, b = GOOD, c = GOOD }, function(t)
		t:make()
		assert_eq({ "a", "b", "c" }, sorted(tree.finished((t:make("retest")))))
		assert_eq({ "b" }, tree.finished((t:make("retest T=b"))))
		local said, status = t:make("test T=none")
		assert_eq(2, status)
		assert_contains(said, "T=none: no test has this name; choose from: a b c")
	end)
end)

test("a file that T= matches as a file and by its folder runs once", function()
	tree.with({ ["ring/ring"] = GOOD, ["ring/other"] = GOOD }, function(t)
		local said = t:make("test T='ring*'")
		assert_eq({ "other", "ring" }, sorted(tree.finished(said)))
		assert(not said:find("more than once", 1, true), said)
	end)
end)

test("make test SHARD= runs each test in one of the parts, and refuses a wrong number", function()
	tree.with({ a = GOOD, b = GOOD, c = GOOD }, function(t)
		assert_eq({ "a", "c" }, tree.finished((t:make("test SHARD=1/2"))))
		local said, status = t:make("test SHARD=2/2")
		assert_eq({ { "b" }, 0 }, { tree.finished(said), status })
		assert_contains(said, "ok: 1 passed (1 file, 0 verdicts reused)\n")
		said, status = t:make("retest SHARD=1/2 T='b c'")
		assert_eq({ { "b" }, 0 }, { tree.finished(said), status })
		said, status = t:make("test SHARD=4/4")
		assert_eq(0, status, said)
		assert_contains(said, "ok: 0 passed (SHARD=4/4: no test is in this part)")
		for _, wrong in ipairs { "0/2", "3/2", "2", "a/b", "'1/2 x'" } do
			said, status = t:make("test SHARD=" .. wrong)
			assert_eq(2, status, wrong)
			assert_contains(said, ": expected the number of a part and of all parts, from 1/1, such as 2/5")
		end
	end)
end)

test("make stress runs the tests of T= N times", function()
	tree.with({ a = GOOD, b = GOOD }, function(t)
		local said, status = t:make("stress T=a N=5")
		assert_eq({ { "a", "a", "a", "a", "a" }, 0 }, { tree.finished(said), status })
	end)
end)

-- --- the reports in out/report ---

test("out/report has every file in TAP, JUnit and JSON, with reused results marked", function()
	tree.with({ a = GOOD, b = BAD }, function(t)
		t:make()
		t:make()
		local tap = t:read("out/report/results.tap")
		assert_contains(tap, "KTAP version 1\n1..2\n")
		assert_contains(tap, "# reused: passed in an earlier run with the same inputs\nok 1 a.lua\n")
		assert_contains(tap, ("    # expected 1, got 2\n    # at tests/b.lua:2\n    # log: so\n    # repeat: %s test -f '^bad$' tests/b.lua\n    not ok 2 bad\nnot ok 2 b.lua\n# FAIL: 2 passed, 1 failed\n")
			:format(runner.path))
		local ends = events(t, "end")
		assert_eq({ "a.lua", true, "ok" }, { ends[1].name, ends[1].reused, ends[1].verdict })
		assert_eq({ "b.lua", nil, "FAIL" }, { ends[2].name, ends[2].reused, ends[2].verdict })
		assert_eq({ 3, 1 }, { #events(t, "test"), events(t, "summary")[1].failed })
		local junit = t:read("out/report/junit.xml")
		assert_contains(junit, '<property name="reused" value="true"/>')
		assert_contains(junit, 'name="b.lua" package="tests/b.lua" id="1" tests="2" failures="1"')
		if runner.shell("command -v xmllint") == "" then skip("needs xmllint") end
		assert_contains(runner.shell(("xmllint --noout --schema %s/junit.xsd %s/out/report/junit.xml 2>&1"):format(runner.canned, t.dir)),
			"junit.xml validates")
	end)
end)

test("out/report has the summary in Markdown and the annotations for GitHub", function()
	tree.with({ a = GOOD, b = "test('a | `b`\\nc', function() assert_eq(1, 2) end)\nerror('outside')\n" }, function(t)
		t:make()
		local summary = t:read("out/report/summary.md")
		assert_contains(summary, "### FAIL: 1 passed, 2 failed\n\n#### FAIL: `tests/b.lua`: `a |  b  c`\n\n    expected 1, got 2\n    at tests/b.lua:1\n")
		assert_contains(summary, "#### FAIL: `tests/b.lua`: `(the file)`\n\n    outside\n")
		assert_contains(summary, "<details><summary>Files: 2</summary>\n\n| file | verdict | passed | failed | skipped | seconds |\n| --- |")
		assert(summary:find("\n| `tests/a%.lua` | ok | 1 | 0 | 0 | [%d.]+ |\n| `tests/b%.lua` | FAIL | 0 | 2 | 0 | [%d.]+ |\n\n</details>\n$"), summary)
		assert_contains(t:read("out/report/annotations.txt"), "::error file=tests/b.lua,line=1,title=a | `b`%0Ac::expected 1, got 2\n::error file=tests/b.lua,line=2,title=(the file)::outside\n")
	end)
end)

test("the summary in Markdown shows at most 20 failures, and the number of the others", function()
	tree.with({ a = "for i = 1, 23 do test('t' .. i, function() assert(false) end) end\n" }, function(t)
		t:make()
		local summary = t:read("out/report/summary.md")
		assert_eq(20, select(2, summary:gsub("\n#### FAIL: ", "")))
		assert_contains(summary, "\n3 more failures are in the report.\n")
	end)
end)

test("output of a test is printed below its file's line and is in the report", function()
	tree.with({ a = "print('hello')\n" .. GOOD }, function(t)
		assert_contains((t:make():gsub("%d+%.%d+s", "Ts")), "a.lua ... ok (1 test, Ts)\n      printed: hello\n")
		assert_eq("hello\n", events(t, "end")[1].output)
	end)
end)

test("a runner that leaves no result is reported as broken despite an old verdict", function()
	tree.with({ a = GOOD, b = GOOD }, function(t)
		t:make()
		t:write("b", "os.execute('kill -9 $(ps -o ppid= $PPID)')\n")
		local said = t:make("-i")
		assert_contains(said, "BROKEN: ")
		assert(not said:find("ok: 2 passed", 1, true), said)
		assert(not runner.read(t.dir .. "/out/test/small/b.ok"), said)
	end)
end)

-- --- the dependencies of a verdict ---

-- Calls fn with a makefile whose only target is the verdict of one test, in a
-- folder with this name.
local function with_odd_folder(name, fn)
	runner.with_folder(function(dir)
		local file = ("%s/%s/t.lua"):format(dir, name)
		os.execute("mkdir " .. runner.quote(dir .. "/" .. name))
		runner.write(file, GOOD)
		runner.write(dir .. "/Makefile", ("v/z.ok: ; @echo runs; %s test --verdict v/z %s >/dev/null\n-include v/z.d\n")
			:format(runner.quote(runner.path), (runner.quote(name .. "/t.lua"):gsub("%$", "$$"))))
		fn(dir, file, function(args)
			return runner.shell(("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make %s 2>&1; echo $?"):format(runner.quote(dir), args or ""))
		end)
	end)
end

test("a dependency can have any character but a newline in its path", function()
	for _, name in ipairs {
		"a:b", "a;b", "a|b", "a=b", "a%b", "a*b", "a[b]", "~a", "a\\:b", "a\tb", "=:;|% #$&(,)\\",
	} do
		with_odd_folder(name, function(_, file, make)
			assert_eq("runs\n0", make(), name)
			assert_eq("make: 'v/z.ok' is up to date.\n0", make(), name)
			os.execute("touch -d 'now + 1 hour' " .. runner.quote(file))
			assert_eq("1", make("-q"):match("%d$"), name .. ": touched")
			os.remove(file)
			assert_eq("1", make("-q"):match("%d$"), name .. ": removed")
		end)
	end
end)

test("make test runs a file again if one of its inputs was saved while it ran", function()
	local saves_once = "local helper = require 'helper'\nos.execute('mkdir once 2>/dev/null && echo return 2 >tests/lib/helper.lua')\n"
	tree.with({ a = saves_once .. GOOD, ["lib/helper"] = "return 1\n" }, function(t)
		local said, status = t:make()
		assert_eq(0, status, said)
		assert_contains(said, "note: tests/lib/helper.lua has changed during the run, so make runs this file again\n")
		assert_eq({ "a" }, tree.finished((t:make())))
		assert_contains(t:make(), "(1 file, 1 verdict reused)")
	end)
end)

test("SIGTERM to make alone ends the runners of the test files", function()
	local waits = "io.open('started', 'w'):close()\nrequire 'provium.core'.pause(60)\n" .. GOOD
	tree.with({ a = waits }, function(t)
		local word = "PROVIUM_MARK=" .. t.dir
		local command = t:command("test " .. word):gsub("env ", "exec env ", 1):gsub("timeout 100 ", "", 1)
		local pipe = assert(io.popen(command .. " & echo $!; wait"))
		local pid = pipe:read "n"
		wait_until(function() return t:read "started" end,
			{ timeout = 20, interval = 0.02, desc = "the test file" })
		os.execute("kill -TERM " .. pid)
		assert_contains(pipe:read "a", "a.lua ... interrupted")
		pipe:close()
		wait_until(function() return runner.count_marked(word) == 0 end,
			{ timeout = 10, interval = 0.02, desc = "the end of all processes" })
	end)
end)

-- Runs a test file with this name, which make cannot read in a makefile, and
-- checks that no verdict is kept.
local function check_without_verdict(folder, name)
	runner.with_folder(function(dir)
		os.execute("mkdir -p " .. runner.quote(dir .. "/" .. folder))
		runner.write(dir .. "/" .. folder .. name, GOOD)
		local r = runner.run({ "test", "--verdict", "v/z", folder .. name }, { cwd = dir })
		assert_eq(0, r.status, r.said)
		assert_eq(nil, runner.read(dir .. "/v/z.ok"))
		assert_eq("ok", core.json(runner.read(dir .. "/v/z.result")).verdict)
		runner.write(dir .. "/Makefile", "other: ; @echo fine\ninclude v/z.d\n")
		assert_eq("fine", runner.shell(("env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C %s -s other 2>&1"):format(runner.quote(dir))))
	end)
end

test("a dependency with a newline in its path: no verdict is kept, and make works", function()
	check_without_verdict("a\nb/", "t.lua")
end)

test("a dependency whose path ends with \")\": no verdict is kept, and make works", function()
	check_without_verdict("", "t(1)")
end)

test("a dependency whose path ends with an ampersand: no verdict is kept, and make works", function()
	check_without_verdict("", "t&")
end)

-- --- order, FAILFAST, make's options ---

-- Sets the duration of the file's last run, which make reads from order.mk.
local function took(t, seconds)
	for name, s in pairs(seconds) do
		local path = ("%s/out/test/small/%s.result"):format(t.dir, name)
		local changed, n = runner.read(path):gsub('"seconds":[%d.e-]+', ('"seconds":%g'):format(s), 1)
		assert_eq(1, n)
		runner.write(path, changed)
	end
	t:make()
end

test("make starts files that never ran first, and then the longest", function()
	tree.with({ a = GOOD, b = GOOD, c = GOOD }, function(t)
		assert_eq({ "a", "b", "c" }, tree.finished((t:make())))
		took(t, { a = 1, b = 30, c = 20 })
		t:write("new", GOOD)
		assert_eq({ "new", "b", "c", "a" }, tree.finished((t:make("retest"))))
		took(t, { a = 10, c = 5 })
		assert_eq({ "a", "c" }, tree.finished((t:make("retest T='[ac]'"))))
	end)
end)

test("FAILFAST=1 starts no file after a failure, and the next make runs the rest", function()
	tree.with({ a = BAD, b = GOOD, c = GOOD }, function(t)
		local said, status = t:make("FAILFAST=1")	-- no duration is known yet: in order of the names
		assert_eq({ { "a" }, 2 }, { tree.finished(said), status })
		assert_contains(said, "FAIL: 1 passed, 1 failed (3 files, 0 verdicts reused, 2 files not run)\n")
		t:write("a", GOOD)
		said, status = t:make("FAILFAST=1")
		assert_eq({ { "a", "b", "c" }, 0 }, { sorted(tree.finished(said)), status })
	end)
end)

test("FAILFAST=1 does not count the old verdict of a file that it did not start", function()
	tree.with({ a = GOOD, b = GOOD }, function(t)
		t:make()
		took(t, { a = 10, b = 1 })
		t:write("a", BAD)
		t:write("b", GOOD .. "\n")
		assert_eq({ "a" }, tree.finished((t:make("FAILFAST=1"))))
		t:write("a", GOOD)
		assert_eq({ "a", "b" }, sorted(tree.finished((t:make()))))
	end)
end)

test("make -n, -q and -t run no test", function()
	for _, flag in ipairs { "-n", "-kn", "-q", "-t", "-n -j2" } do
		tree.with({ a = GOOD }, function(t)
			local said = t:make(flag)
			assert_eq({}, tree.finished(said), flag)
			assert(not said:find("provium make-plan:", 1, true), said)
			assert_eq(nil, t:read("out/test/small/a.result"), flag)
		end)
	end
end)

test("make -k, -i, -s, -O and -j change neither which tests run nor the output", function()
	for flag, expected in pairs {
		["-k"] = 2, ["-i"] = 0, ["-s"] = 2, ["-j"] = 2,
		["-O -j2"] = 2, ["-Oline -j3"] = 2, ["-Orecurse -j2"] = 2,
	} do
		tree.with({ a = GOOD, b = BAD, c = GOOD }, function(t)
			local said, status = t:make(flag)
			assert_eq({ "a", "b", "c" }, sorted(tree.finished(said)), flag)
			assert_eq(expected, status, flag)
			assert_contains(said, "FAIL: 3 passed, 1 failed (3 files, 0 verdicts reused)\n")
			assert(not said:find("jobserver", 1, true), said)
		end)
	end
end)

test("make test under another make runs all files", function()
	tree.with({ a = GOOD, b = GOOD, c = GOOD }, function(t)
		runner.write(t.dir .. "/outer.mk", "all: one\n\t+$(MAKE) -C . test\none:\n\t@true\n")
		local said, status = t:make("-j2 -f outer.mk all")
		assert_eq({ { "a", "b", "c" }, 0 }, { sorted(tree.finished(said)), status })
		assert_contains(said, "ok: 3 passed (3 files, 0 verdicts reused)\n")
		assert(not said:find("jobserver", 1, true), said)
	end)
end)

-- --- output of parallel runs ---

local TALKS = [[
for i = 1, 40 do test(NAME .. " " .. i, function() log((NAME .. " "):rep(300)) assert(false, NAME) end) end
print((NAME .. "\n"):rep(50))
]]

test("make -j8 prints each file's lines together, however long they are", function()
	local files = {}
	for i = 1, 16 do files[("f%02d"):format(i)] = ("local NAME = 'f%02d'\n"):format(i) .. TALKS end
	tree.with(files, function(t)
		for _, flag in ipairs { "-j8", "-O -j8" } do
			local said, current, blocks = t:make("retest " .. flag), nil, 0
			for line in said:gmatch("[^\n]+") do
				local head = line:match("^(f%d%d)%.lua %.%.%. FAIL %(40 of 40 failed")
				if head then current, blocks = head, blocks + 1 end
				if line:find("^FAIL:") then break end
				local whose = line:match("^  · (f%d%d) %d+ %.%.%. FAIL: f%d%d$") or line:match("^      log: (f%d%d) ")
				assert(not whose or whose == current, line)
			end
			assert_eq(16, blocks)
		end
	end)
end)

-- --- the status line ---

-- Returns the bytes that make would write to a terminal.
local function on_terminal(t, args, term)
	return runner.shell(("TERM=%s script -qefc %s /dev/null"):format(term or "xterm", runner.quote(t:command(args))))
end

test("a terminal gets a status line with the files that run, passed and failed", function()
	if runner.shell("command -v script") == "" then skip("needs script (bsdutils)") end
	tree.with({ a = lasting(1.6), b = BAD, c = lasting(0.2) }, function(t)
		t:make()
		local said = on_terminal(t, "retest -j2")
		assert_contains(said, "\r\n1 running, 0 of 3 done, about 2 s left\27[A\r")
		assert_contains(said, "\r\n1 running, 2 of 3 done, 1 failed")
		-- The status line is erased before each other line is printed.
		assert(said:find("\r\27%[Ja%.lua %.%.%. ok"), said)
		assert(said:find("\r\27%[Jc%.lua %.%.%. ok"), said)
		assert(said:find("a%.lua %.%.%. ok %([^\n]*\nFAIL: tests/b%.lua: bad\r?\n"), said)
	end)
end)

test("make's status line shows what a file is doing while no other file runs", function()
	if runner.shell("command -v script") == "" then skip("needs script (bsdutils)") end
	tree.with({ a = lasting(1.6) }, function(t)
		assert_contains(on_terminal(t, "retest"), "\r\n0 of 1 done: a.lua, 1 s")
	end)
end)

test("no status line is printed to a file or to a dumb terminal", function()
	tree.with({ a = GOOD }, function(t)
		assert_eq(nil, (t:make("retest")):find("running", 1, true))
		if runner.shell("command -v script") == "" then skip("needs script (bsdutils)") end
		assert_eq(nil, on_terminal(t, "retest", "dumb"):find("\27", 1, true))
	end)
end)
