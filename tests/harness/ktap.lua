-- SPDX-License-Identifier: GPL-2.0-only
-- The parsers of KTAP, TAP and LTP's output, and their results in reports.

local ktap = require "provium.ktap"
local ltp = require "provium.ltp"
local results = require "provium.results"
local runner = require "runner"

-- Returns what the parser makes of a program's output and exit status.
local function judge(output, code, reason)
	return results.read(ktap.new(), output, { exit_code = code, reason = reason })
end

-- Returns "NAME=VERDICT" for each result that has no nested results.
local function leaves(out)
	local list = {}
	ktap.each_leaf(out.results, function(result, path) list[#list + 1] = path .. "=" .. result.verdict end)
	return table.concat(list, " ")
end

local NESTED = [[
KTAP version 1
1..2
  KTAP version 1
  # Subtest: first
  1..2
    KTAP version 1
    1..1
    # it broke
    not ok 1 deep
  not ok 1 mid
  ok 2 other
not ok 1 first
ok 2 second
]]

test("KTAP with two levels of nesting gives nested results", function()
	local out = judge(NESTED, 1)
	assert_eq("first/mid/deep=FAIL first/other=ok second=ok", leaves(out))
	assert_eq({ 2, 1, 0 }, { out.passed, out.failed, out.skipped })
	assert_eq("it broke", out.results[1].results[1].results[1].message)
	assert_eq(nil, out.message)
end)

test("TAP 13 results with a dash, a directive and diagnostics are read", function()
	local out = judge("TAP version 13\n1..4\nok 1 - plain\nok 2 - gone # SKIP no device\nnot ok 3 - later # TODO soon\n" ..
		"# why\nnot ok 4 - bad\n", 1)
	assert_eq("plain=ok gone=skip later=todo bad=FAIL", leaves(out))
	assert_eq({ "no device", "soon", "why" },
		{ out.results[2].message, out.results[3].message, out.results[4].message })
end)

test("kselftest's form of nested lines, \"# ok 1\", is read", function()
	local out = judge("TAP version 13\n1..1\n# TAP version 13\n# 1..2\n# ok 1 a\n# not ok 2 b\nnot ok 1 selftests: x: y\n", 0)
	assert_eq("selftests: x: y/a=ok selftests: x: y/b=FAIL", leaves(out))
end)

test("XFAIL counts as skipped, and TIMEOUT and ERROR as failed", function()
	local out = judge("1..3\nok 1 a # XFAIL known\nnot ok 2 b # TIMEOUT 45 seconds\nnot ok 3 c # ERROR\n", 1)
	assert_eq("a=skip b=FAIL c=FAIL", leaves(out))
	assert_eq("45 seconds", out.results[2].message)
end)

test("a \"#\" that begins no directive belongs to the result's name", function()
	local out = judge("1..3\nok 1 issue #4711\nok 2 a \\# SKIP b\nok 3 a#SKIP\n", 0)
	assert_eq({ "issue #4711", "a # SKIP b", "a#SKIP" },
		{ out.results[1].name, out.results[2].name, out.results[3].name })
	assert_eq(3, out.passed)
end)

test("a KTAP result without number and name counts as a result", function()
	assert_eq("(no name)=ok 2=FAIL", leaves(judge("ok\nnot ok 2\n1..2\n", 1)))
end)

test("lines that only resemble KTAP results do not count as results", function()
	assert_eq("", leaves(judge("okay\nnot okay\nnothing ok\nok: fine\n", 0)))
end)

test("fewer KTAP results than the plan announced count as a failure", function()
	assert_eq("planned 9 results, got 1", judge("1..9\nok 1 a\n", 0).message)
	assert_eq("planned 1 result, got 2", judge("1..1\nok 1 a\nok 2 b\n", 0).message)
end)

test("a result whose nested KTAP plan announced more results than came is a failure", function()
	local out = judge("1..1\n  1..2\n  ok 1 a\nok 1 outer\n", 0)
	assert_eq("FAIL", out.results[1].verdict)
	assert_eq("planned 2 results, got 1", out.results[1].message)
end)

test("a result that says \"ok\" and has a nested \"not ok\" is a failure", function()
	local out = judge("1..1\n  1..1\n  not ok 1 a\nok 1 outer\n", 0)
	assert_eq("FAIL", out.results[1].verdict)
end)

test("a result that says \"not ok\" is a failure, even if its nested results all passed", function()
	local out = judge("1..1\n  1..1\n  ok 1 a\nnot ok 1 outer\n", 0)
	assert_eq({ 1, 1, 0 }, { out.passed, out.failed, out.skipped })
end)

test("nested results that no line of an outer result follows count as a failure", function()
	assert_eq("(nested results)/a=ok (nested results)=FAIL", leaves(judge("1..1\n  1..1\n  ok 1 a\n", 0)))
end)

test("more KTAP or LTP results than the parser reads, 20000, count as a failure", function()
	local out = judge(("ok\n"):rep(20000) .. "not ok\n", 0)
	assert_eq({ 20000, "more than 20000 results; the later ones were not read" }, { out.passed, out.message })
	out = results.read(ltp.new(), ("a.c:1: TPASS: a\n"):rep(20000) .. "a.c:1: TFAIL: b\n", { exit_code = 0 })
	assert_eq("more than 20000 results; the later ones were not read", out.message)
end)

test("of many KTAP results that were planned and did not come, only the first are listed", function()
	local out = judge("1..5000\nok 1 a\n", nil, "timed out")
	assert_eq({ 102, "results 102 to 5000" }, { #out.results, out.results[#out.results].name })
end)

test("a program that times out in nested results fails the innermost unfinished one", function()
	local out = judge("KTAP version 1\n1..3\n  KTAP version 1\n  # Subtest: suite\n  1..2\n  ok 1 a\n", nil, "timed out")
	assert_eq("suite/a=ok suite/result 2=FAIL result 2=FAIL result 3=FAIL", leaves(out))
	assert_eq({ "timed out", "not run: timed out" }, { out.running.message, out.results[2].message })
	out = judge("1..2\n  # Subtest: suite\n  1..1\n  ok 1 a\n", nil, "timed out")
	assert_eq("suite/a=ok suite=FAIL result 2=FAIL", leaves(out))
	assert_eq({ "suite", "timed out" }, { out.running.name, out.running.message })
end)

test("a KTAP plan of 0 with SKIP skips the test, as does exit status 4", function()
	assert_eq("no root", judge("1..0 # SKIP no root\n", 0).skip)
	assert_contains(judge("1..1\nok 1 a\n", 4).skip, "exit status 4")
end)

test("an exit status other than 0 counts as a failure, even if all results passed", function()
	assert_eq("exit status 1, although no result is \"not ok\" (2 results)", judge("1..2\nok 1 a\nok 2 b\n", 1).message)
end)

test("a program without results is judged by its exit status", function()
	assert_eq(nil, judge("hello\n", 0).message)
	assert_eq("no results; exit status 3", judge("hello\n", 3).message)
end)

test("a program that times out or is killed fails the result that would come next", function()
	local out = judge("1..4\nok 1 a\nok 2 b\n", nil, "timed out")
	assert_eq("a=ok b=ok result 3=FAIL result 4=FAIL", leaves(out))
	assert_eq({ "timed out", "not run: timed out" }, { out.results[3].message, out.results[4].message })
	out = judge("ok 1 a\n", nil, "killed by signal 11")
	assert_eq("a=ok (the next result)=FAIL", leaves(out))
end)

test("\"Bail out!\" fails the results that the plan announced and that did not come", function()
	local out = judge("1..3\nok 1 a\nBail out! no memory\n", 255)
	assert_eq("a=ok result 2=FAIL result 3=FAIL", leaves(out))
	assert_eq("Bail out! no memory", out.message)
end)

local function nr_ok_lines(text)
	local n = 0
	for line in text:gmatch "[^\n]+" do n = n + (line:find "^[%s#]*ok" and 1 or 0) end
	return n
end

test("output that is cut at any byte never gives more passes than it has \"ok\" lines", function()
	for _, text in ipairs { NESTED, "1..3\nok 1 a\n  1..1\n  ok 1 x\nok 2 b\nnot ok 3 c\n" } do
		for at = 0, #text do
			local part = text:sub(1, at)
			assert(judge(part, 0).passed <= nr_ok_lines(part), part)
		end
	end
end)

local WORDS = { [0] = "\n", "not ok 1 ", "1..2", "# SKIP ", "  ", "ok 2 ", "# " }

test("random bytes raise no error and never give more passes than \"ok\" lines", function()
	local seed, nr_passed = 12345, 0
	for _ = 1, 2000 do
		local bytes = {}
		for i = 1, 60 do
			seed = (seed * 1103515245 + 12345) & 0x7fffffff
			bytes[i] = WORDS[seed >> 8 & 15] or string.char(seed >> 12 & 0xff)
		end
		local text = table.concat(bytes)
		local passed = judge(text, 0).passed
		assert(passed <= nr_ok_lines(text), text)
		nr_passed = nr_passed + passed
	end
	assert(nr_passed > 0, "the bytes contain results")
end)

-- --- LTP ---

local function read_ltp(output, ended) return results.read(ltp.new(), output, ended) end

test("the result lines of LTP's new and old library are read", function()
	local out = read_ltp("tst_test.c:1560: TINFO: Timeout per run is 0h 05m 00s\nopen01.c:59: TPASS: sticky bit is set\n" ..
		"open01.c:60: \27[1;31mTFAIL: \27[0mit is not: EPERM (1)\naccess02    3  TCONF  :  access02.c:9: no user\n" ..
		"open01.c:61: TBROK: mkdir failed\n\nSummary:\npassed   1\nfailed   1\n", { exit_code = 3 })
	assert_eq("open01.c:59: sticky bit is set=ok open01.c:60: it is not: EPERM (1)=FAIL " ..
		"access02 3: access02.c:9: no user=skip open01.c:61: mkdir failed=BROKEN", leaves(out))
	assert_eq({ 1, 2, 1 }, { out.passed, out.failed, out.skipped })
	assert_eq(nil, out.message)
end)

test("an LTP program with only TCONF results is skipped", function()
	assert_eq("TCONF: needs root", read_ltp("a.c:1: TCONF: needs root\n", { exit_code = 32 }).skip)
	assert_eq("exit status 32 (TCONF)", read_ltp("", { exit_code = 32 }).skip)
end)

test("an exit status of LTP that no result explains is a failure", function()
	assert_eq("exit status 1, which means a failure, but no result says so",
		read_ltp("a.c:1: TPASS: fine\n", { exit_code = 1 }).message)
	assert_eq("exit status 32, which means that a part was skipped, but no result says so",
		read_ltp("a.c:1: TPASS: fine\n", { exit_code = 32 }).message)
	assert_eq("exit status 64", read_ltp("a.c:1: TPASS: fine\n", { exit_code = 64 }).message)
	assert_eq("killed by signal 11", read_ltp("a.c:1: TPASS: fine\n", { reason = "killed by signal 11" }).message)
	assert_eq("the program printed no result", read_ltp("hello\n", { exit_code = 0 }).message)
end)

-- --- results of programs in reports ---

test("--format tap nests the results of a program in its test", function()
	assert_eq([[
KTAP version 1
1..1
    KTAP version 1
    # Subtest: results.lua
    1..3
        KTAP version 1
        # Subtest: all pass
        1..2
        ok 1 first
        ok 2 second # SKIP no device
    ok 1 all pass
        KTAP version 1
        # Subtest: one fails
        1..2
            KTAP version 1
            # Subtest: outer
            1..2
            # expected 1
            # got 2
            not ok 1 inner
            ok 2 other
        not ok 1 outer
        ok 2 last
    # demo: 1 of 3 results failed: outer/inner
]], runner.run({ "test", "--format", "tap", "results.lua" }).said:match "^(.-\n)    # at ")
end)

test("the human format lists a program's results below its test", function()
	local said = runner.run({ "test", "results.lua" }).said
	assert_contains(said, "  · all pass ... ok\n      · first ... ok\n      · second ... skip: no device\n")
	assert_contains(said, "  · one fails ... FAIL: demo: 1 of 3 results failed: outer/inner\n")
	assert_contains(said, "      · outer/inner ... FAIL: expected 1\n          got 2\n")
	assert_contains(said, "  · skipped as a whole ... skip: demo: no hardware\n")
	assert_contains(said, "FAIL: 1 passed, 1 failed, 1 skipped")
end)

test("--format junit has a test case for each result of a program", function()
	local said = runner.run({ "test", "--format", "junit", "results.lua" }).said
	assert_contains(said, 'tests="8" failures="2" errors="0" skipped="2"')
	assert_contains(said, 'name="one fails/outer/inner"')
end)

test("--format json prints an event for each result of a program when the result comes", function()
	assert_contains(runner.run({ "test", "--format", "json", "results_stream.lua" }).said,
		'{"event":"result","file":"results_stream.lua","test":"comes","message":"why","name":"outer/inner","verdict":"FAIL"}\n')
end)

test("a test file that dies keeps the program results that its running test had got", function()
	local said = runner.run({ "test", "-f", "dies", "results_stream.lua" }).said
	assert_contains(said, "· dies ... BROKEN: the file's process was killed by signal 9 (Killed)\n")
	assert_contains(said, "      · outer/inner ... FAIL: why\n")
end)

test("--format json has a program's results as a list in the test", function()
	local said = runner.run({ "test", "--format", "json", "results.lua" }).said
	assert_contains(said, '"results":[{"')
	assert_contains(said, '"name":"inner"')
end)
