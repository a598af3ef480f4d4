-- SPDX-License-Identifier: GPL-2.0-only
-- TAP reports, and the files that make reads. reports.lua tests reports, too.

local runner = require "runner"

test("--format tap prints KTAP: the exact text", function()
	local r = runner.run { "test", "--format", "tap", "good.lua", "verdicts.lua", "outside.lua" }
	assert_eq([[
KTAP version 1
1..3
    KTAP version 1
    # Subtest: good.lua
    1..2
    ok 1 one
    ok 2 two
ok 1 good.lua
    KTAP version 1
    # Subtest: verdicts.lua
    1..12
    ok 1 passes
    # expected 0, got -13 (EACCES)
    # at verdicts.lua:5
    not ok 2 an assertion fails
    # something broke
    # at verdicts.lua:6
    not ok 3 an error of the test
    # just words
    # at verdicts.lua:7
    not ok 4 an error without a position
    # {code = 7}
    # at verdicts.lua:8
    not ok 5 an error that is a table
    # attempt to index a nil value (local 't')
    # at verdicts.lua:9
    not ok 6 Lua's own error
    ok 7 skipped # SKIP no such hardware
    ok 8 skipped after a check # SKIP skip
    ok 9 a todo # SKIP when there is time
    # no check ran: a test without an assertion proves nothing
    not ok 10 no check ran
    # look above
    # at verdicts.lua:20
    # log: first 2 {three = 3}
    # log: second
    # log: line
    not ok 11 a failed test whose log is shown
    ok 12 a passed test whose log is not shown
not ok 2 verdicts.lua
    KTAP version 1
    # Subtest: outside.lua
    1..2
    ok 1 before
    # not in a test
    # at outside.lua:5
    not ok 2 (the file)
not ok 3 outside.lua
# FAIL: 5 passed, 8 failed, 3 skipped
]], r.said)
	assert_eq(1, r.status)
end)

test("--format tap --repeat numbers all runs in one plan", function()
	local r = runner.run { "test", "--format", "tap", "--repeat", "2", "whole.lua" }
	assert_contains(r.said, "KTAP version 1\n1..2\n")
	assert_contains(r.said, "\nok 1 whole.lua\n")
	assert_contains(r.said, "\nok 2 whole.lua\n")
end)

-- --- the files that --verdict writes for make ---

test("--verdict BASE after a pass writes BASE.ok, BASE.result and BASE.d", function()
	runner.with_folder(function(dir)
		local base = dir .. "/made/on/the/way/good"
		local r = runner.run { "test", "--verdict", base, "good.lua" }
		assert_eq(0, r.status)
		assert_eq("", runner.read(base .. ".ok"))
		assert_eq(base .. ".ok: good.lua\n\ngood.lua:\n", runner.read(base .. ".d"))
		assert_contains(runner.read(base .. ".result"), "\"verdict\":\"ok\"")
	end)
end)

test("--verdict BASE after a failure writes no BASE.ok, and exits with 0", function()
	runner.with_folder(function(dir)
		local base = dir .. "/bad"
		runner.write(base .. ".ok", "")
		local r = runner.run { "test", "--verdict", base, "verdicts.lua" }
		assert_eq(0, r.status)
		assert_eq(nil, runner.read(base .. ".ok"))
		assert_contains(runner.read(base .. ".result"), "\"verdict\":\"FAIL\"")
		assert_contains(runner.read(base .. ".d"), "bad.ok: verdicts.lua\n")
	end)
end)

test("--verdict BASE lists every loaded Lua file in the dependency file BASE.d", function()
	runner.with_folder(function(dir)
		runner.run { "test", "--verdict", dir .. "/v", "uses_helper.lua" }
		local deps = runner.read(dir .. "/v.d")
		for _, path in ipairs { "uses_helper.lua", "lib/helper.lua", "data/answer.lua" } do
			local pattern = ("^[^\n]*[ /]%s"):format(path:gsub("%p", "%%%0"))
			assert(deps:find(pattern), path .. " is missing in " .. deps)
		end
	end)
end)

test("--verdict BASE writes verdict, message, source and log of each test to BASE.result", function()
	runner.with_folder(function(dir)
		runner.run { "test", "--verdict", dir .. "/v", "verdicts.lua" }
		local record = require "provium.core".json(runner.read(dir .. "/v.result"))
		assert_eq(12, #record.tests)
		local t = record.tests[11]
		assert_eq({ "a failed test whose log is shown", "FAIL", "look above", "verdicts.lua:20" }, { t.name, t.verdict, t.message, t.where })
		assert_eq({ "first 2 {three = 3}", "second\nline" }, t.log)
		assert_eq({ "verdicts.lua:20", 9 }, { t.source.where, #t.source.lines })
		local line = runner.read(runner.canned .. "/verdicts.lua"):match(("[^\n]*\n"):rep(19) .. "([^\n]*)")
		assert_eq("> 20\t" .. line, t.source.lines[5])
		assert_eq("skip", record.tests[7].verdict)
		assert_eq("todo", record.tests[9].verdict)
	end)
end)

test("--verdict BASE writes titles of any bytes to BASE.result as valid JSON", function()
	runner.with_folder(function(dir)
		runner.run { "test", "--verdict", dir .. "/v", "names.lua" }
		local record = require "provium.core".json(runner.read(dir .. "/v.result"))
		local names = {}
		for i, t in ipairs(record.tests) do names[i] = t.name end
		assert_eq({ '"quoted" and \\backslash', "two\nlines", "ok 1 - # SKIP nothing", "<b>&amp;</b> %s %d",
			"not UTF-8: \\xff\\xfe", "control \\x1b[31m characters\\x00", "", "ñàмé 🙂" }, names)
	end)
end)

test("output that cannot be written to stdout ends a command with status 3", function()
	for _, args in ipairs { "test good.lua", "test --format tap good.lua", "test --format json good.lua",
			"test --format junit good.lua", "test whole_bad.lua", "gate", "version", "--help", "exec --help" } do
		local said = runner.shell(("cd %s; %s %s 2>&1 >/dev/full; echo $?"):format(runner.quote(runner.canned), runner.quote(runner.path), args))
		assert_eq("provium: cannot write to stdout: No space left on device\n3", said, args)
	end
end)

test("--verdict to a folder that cannot be made fails with status 3", function()
	local r = runner.run { "test", "--verdict", "/proc/nonesuch/v", "good.lua" }
	assert_eq(3, r.status)
	assert_contains(r.said, "provium test: cannot write /proc/nonesuch/v.result: ")
end)

test("make-summary counts the results and names the failures", function()
	runner.with_folder(function(dir)
		for _, name in ipairs { "good", "whole_bad", "outside" } do
			runner.run { "test", "--verdict", dir .. "/" .. name, name .. ".lua" }
		end
		local r = runner.run { "make-summary", dir .. "/good", dir .. "/whole_bad", dir .. "/outside" }
		assert_eq([[
FAIL: whole_bad.lua: whole_bad
FAIL: outside.lua: (the file)
FAIL: 3 passed, 2 failed (3 files, 0 verdicts reused)
]], r.said)
		assert_eq(1, r.status)
	end)
end)

test("make-summary counts a missing result as broken", function()
	runner.with_folder(function(dir)
		local r = runner.run { "make-summary", dir .. "/never-ran" }
		assert_eq(3, r.status)
		assert_contains(r.said, "never-ran.result")
		assert_contains(r.said, "BROKEN: 0 passed, 1 broken")
	end)
end)

test("make-summary counts a result file whose values have unexpected types", function()
	runner.with_folder(function(dir)
		local odd = { "[{}]", "{\"a\": 1}", "7", "[[\"x\"], null]" }
		for _, value in ipairs(odd) do
			runner.write(dir .. "/odd.result", ([[{ "file": "odd.lua", "verdict": "FAIL", "tests": [{ "name": "t", "verdict": "FAIL", "message": %s,
				"log": %s, "kernel": [{ "vm": 1, "lines": %s, "more": 2 }], "consoles": [{ "vm": 1, "lines": %s }] }] }]]):format(value, value, value, value))
			local r = runner.run { "make-summary", "--report", dir, dir .. "/odd" }
			assert_eq({ 1, "FAIL: 0 passed, 1 failed (1 file, 0 verdicts reused)" }, { r.status, r.said:match("([^\n]*)\n$") }, value)
		end
		runner.write(dir .. "/odd.result", "[1]")
		assert_eq(3, runner.run({ "make-summary", dir .. "/odd" }).status)
	end)
end)

test("make-summary counts results older than the --since file as reused", function()
	runner.with_folder(function(dir)
		runner.run { "test", "--verdict", dir .. "/good", "good.lua" }
		os.execute("touch -d '1 hour ago' " .. dir .. "/good.result")
		runner.write(dir .. "/mark", "")
		runner.run { "test", "--verdict", dir .. "/whole", "whole.lua" }
		local r = runner.run { "make-summary", "--since", dir .. "/mark", dir .. "/good", dir .. "/whole" }
		assert_eq("ok: 3 passed (2 files, 1 verdict reused)\n", r.said)
	end)
end)

test("--format github prints an annotation at the line of each failure", function()
	local r = runner.run { "test", "--format", "github", "verdicts.lua" }
	assert_eq(1, r.status)
	assert_contains(r.said, "  · an assertion fails ... FAIL: expected 0, got -13 (EACCES)\n")
	assert_contains(r.said, "\n::error file=verdicts.lua,line=5,title=an assertion fails::expected 0, got -13 (EACCES)\n")
	assert_eq(nil, r.said:match "::error[^\n]*skipped")
end)

test("--format github escapes newlines, percent signs, colons and commas", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/a,b.lua", 'test("50% of a: b, c", function() error "one\\ntwo 5%" end)')
		local r = runner.run { "test", "--format", "github", dir .. "/a,b.lua" }
		assert_contains(r.said, "/a%2Cb.lua,line=1,title=50%25 of a%3A b%2C c::one%0Atwo 5%25\n")
	end)
end)
