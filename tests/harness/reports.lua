-- SPDX-License-Identifier: GPL-2.0-only
-- Reports for programs, read by these programs: titles of any bytes, and the
-- command that repeats a failure.

local core = require "provium.core"
local runner = require "runner"

local function needs(command)
	local path = runner.shell("command -v " .. command)
	if path == "" then skip("needs " .. command) end
	return path
end

-- Calls fn with the path of a report on canned suites in this format, and its
-- text.
local function with_report(format, suites, fn)
	runner.with_folder(function(dir)
		local args = { "test", "--format", format, table.unpack(suites) }
		local said = runner.run(args, { raw = true }).said
		fn(runner.write(dir .. "/report", said), said)
	end)
end

local function lines_of(text)
	local lines = {}
	for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
	return lines
end

-- --- TAP ---

-- The titles of hostile.lua, in the form in which they are printed on a line.
local NAMES = {
	[[quotes " ' ` and \backslash\]], [[lines\none\ntwo\x0dthree]], [[not ok 7 - \x23 SKIP this \x23 TODO]],
	"<b>&amp;</b> <![CDATA[ ]]> --> %s %d $(id) $HOME", [[bytes \xff\xfe \xc0\x80 \xed\xa0\x80 \xe2\x82]],
	[[control \x00 \x01 \x07 \x1b[31m \x7f \xc2\x9b31m \xc2\x85 \xe2\x80\xa8 \xe2\x80\xae \xef\xbf\xbf]],
	"Subtest: x", "(no name)", "  blanks\tand a tab", "ñàмé 🙂 漢字",
}

test("--format tap escapes titles and messages of any bytes: the exact text", function()
	with_report("tap", { "hostile.lua" }, function(_, said)
		assert_contains(said, "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: hostile.lua\n    1..12\n")
		assert_contains(said, [[

    #  Subtest: x
    # KTAP version 1
    # 1..9
    # Bail out!
    # reboot:.System halted
    # at hostile.lua:7
    # log: Subtest: x
]])
		assert_contains(said, "\n    ok 11 \\x23 SKIP # SKIP reason \\x23 with <&> \"quotes\"\\nand a line\n")
		assert_contains(said, "\n    ok 12 passes \\x23 after <all> of them\n")
		assert_contains(said, "\n# printed: 1..1\n# printed: ok 1 printed <&> \\xff\nnot ok 1 hostile.lua\n")
		assert_eq(nil, said:match("[\1-\8\11-\31\127\r]"), "a control character")
	end)
end)

test("--format tap: the kernel's kunit_parser.py finds every test in the report", function()
	local python = needs "python3"
	local folder = runner.shell(("ls -d %s/src/*/tools/testing/kunit 2>/dev/null | head -n 1"):format(runner.quote(runner.home)))
	if folder == "" then skip("needs an unpacked kernel source") end
	with_report("tap", { "good.lua", "hostile.lua", "outside.lua" }, function(path)
		local read = runner.shell(("%s %s/kunit.py %s %s 2>&1"):format(python, runner.quote(runner.canned), runner.quote(folder), path))
		local expected = { "SUCCESS good.lua", "  SUCCESS one", "  SUCCESS two", "FAILURE hostile.lua" }
		for _, name in ipairs(NAMES) do expected[#expected + 1] = "  FAILURE " .. name end
		for _, line in ipairs { "  SKIPPED \\x23 SKIP", "  SUCCESS passes \\x23 after <all> of them", "FAILURE outside.lua",
			"  SUCCESS before", "  FAILURE (the file)", "errors 0" } do
			expected[#expected + 1] = line
		end
		assert_eq(table.concat(expected, "\n"), read)
	end)
end)

test("--format tap: prove finds every test in the report", function()
	needs "prove"
	with_report("tap", { "good.lua", "whole.lua" }, function(path)
		assert_contains(runner.shell("prove -e cat " .. path .. " 2>&1"), "Files=1, Tests=2,")
		assert_contains(runner.shell("prove -e cat " .. path .. " 2>&1"), "Result: PASS")
	end)
	with_report("tap", { "good.lua", "hostile.lua", "whole.lua" }, function(path)
		local said = runner.shell("prove -e cat " .. path .. " 2>&1")
		assert_contains(said, "Failed test:  2\n")
		assert_contains(said, "Tests=3,")
	end)
end)

test("--format tap reports a file in which -f chooses no test as skipped", function()
	local r = runner.run { "test", "--format", "tap", "-f", "^one$", "good.lua", "verdicts.lua" }
	assert_contains(r.said, "\nok 2 verdicts.lua # SKIP no test was chosen\n")
end)

-- --- JSON ---

test("--format json prints one event on each line: the exact text", function()
	local r = runner.run { "test", "--format", "json", "good.lua" }
	assert_eq([[
{"event":"start","file":"good.lua","name":"good.lua","started":"DATE"}
{"event":"test","file":"good.lua","filter":"^one$","name":"one","seconds":T,"verdict":"ok"}
{"event":"test","file":"good.lua","filter":"^two$","name":"two","seconds":T,"verdict":"ok"}
{"event":"end","verdict":"ok","seconds":T,"file":"good.lua","name":"good.lua","started":"DATE","deps":["good.lua"],"ignored":0,"timeline":T}
{"event":"summary","verdict":"ok","passed":2,"failed":0,"broken":0,"skipped":0,"ignored":0}
]], r.said)
	assert_eq(0, r.status)
end)

test("--format json keeps titles and messages of any bytes", function()
	with_report("json", { "hostile.lua" }, function(path, said)
		local lines, names = lines_of(said), {}
		for i, line in ipairs(lines) do
			local event = assert(core.json(line))
			if event.event == "test" then names[#names + 1] = event.name end
			lines[i] = event
		end
		assert_eq("lines\none\ntwo\\x0dthree", names[2])
		assert_eq("not ok 7 - # SKIP this # TODO", names[3])
		assert_eq("<b>&amp;</b> <![CDATA[ ]]> --> %s %d $(id) $HOME", names[4])
		assert_eq("bytes \\xff\\xfe \\xc0\\x80 \\xed\\xa0\\x80 \\xe2\\x82", names[5])
		assert_eq({ "", "  blanks\tand a tab  ", "ñàмé 🙂 漢字", "# SKIP" }, table.move(names, 8, 11, 1, {}))
		assert_eq({ "end", "1..1\nok 1 printed <&> \\xff\n" }, { lines[14].event, lines[14].output })
		needs "jq"
		assert_eq(names[2], runner.shell("jq -r 'select(.event == \"test\").name' " .. path):match("^[^\n]*\n(.-)\nnot ok"))
	end)
end)

test("--format json prints a test's line when that test ends", function()
	local pipe = assert(io.popen(runner.command { "test", "--format", "json", "slow.lua" }))
	local said = {}
	for i = 1, 2 do said[i] = pipe:read("l") end
	assert_contains(said[2], '"name":"at once"')
	runner.write(core.json(said[2]).log[1], "")
	assert_contains(pipe:read("a"), '"name":"when the file exists"')
	pipe:close()
end)

-- --- JUnit ---

test("--format junit prints a file as a suite: the exact text", function()
	local r = runner.run { "test", "--format", "junit", "good.lua", "whole_bad.lua" }
	assert_eq([[
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="good.lua" package="good.lua" id="0" tests="2" failures="0" errors="0" skipped="0" timestamp="DATE" hostname="localhost" time="T">
    <properties>
    </properties>
    <testcase classname="good" name="one" time="T"/>
    <testcase classname="good" name="two" time="T"/>
    <system-out></system-out>
    <system-err/>
  </testsuite>
  <testsuite name="whole_bad.lua" package="whole_bad.lua" id="1" tests="1" failures="1" errors="0" skipped="0" timestamp="DATE" hostname="localhost" time="T">
    <properties>
    </properties>
    <testcase classname="whole_bad" name="whole_bad" time="T">
      <failure type="FAIL" message="expected 5, got 4">expected 5, got 4
at whole_bad.lua:5
log: on the way
</failure>
    </testcase>
    <system-out></system-out>
    <system-err/>
  </testsuite>
</testsuites>
]], r.said)
end)

test("--format junit is valid for titles and messages of any bytes", function()
	needs "xmllint"
	with_report("junit", { "good.lua", "hostile.lua", "verdicts.lua", "outside.lua", "os_exit.lua" }, function(path)
		local said = runner.shell(("xmllint --noout --schema %s/junit.xsd %s 2>&1"):format(runner.quote(runner.canned), path))
		assert_eq(path .. " validates", said)
		local function value(xpath) return runner.shell(("xmllint --xpath %s %s"):format(runner.quote("string(" .. xpath .. ")"), path)) end
		local case = "//testsuite[@name='hostile.lua']/testcase[%d]/%s"
		assert_eq([[quotes " ' ` and \backslash\]], value(case:format(1, "@name")))
		assert_eq("lines\none\ntwo\\x0dthree", value(case:format(2, "@name")))
		assert_eq("<b>&amp;</b> <![CDATA[ ]]> --> %s %d $(id) $HOME", value(case:format(4, "failure/@message")))
		assert_eq("  blanks\tand a tab  ", value(case:format(9, "@name")))
		assert_eq("reason # with <&> \"quotes\"\nand a line", value(case:format(11, "skipped/@message")))
		assert_contains(value("//testsuite[@name='hostile.lua']/system-out"), "ok 1 printed <&> \\xff")
	end)
end)

-- --- the command that repeats a failure ---

-- Returns the failed tests of a suite with the commands that their report
-- names.
local function failures(suite)
	local list = {}
	for line in runner.run({ "test", "--format", "json", suite }, { raw = true }).said:gmatch("[^\n]+") do
		local event = core.json(line)
		if event["repeat"] then list[#list + 1] = { name = event.name, command = event["repeat"] } end
	end
	return list
end

test("the `repeat:` command of a failure runs that test and no other", function()
	for _, failure in ipairs(failures "hostile.lua") do
		local said = runner.shell(("cd %s && %s --format json 2>&1"):format(runner.quote(runner.canned), failure.command))
		local names = {}
		for line in said:gmatch("[^\n]+") do
			local event = core.json(line)
			if event and event.event == "test" then names[#names + 1] = event.name end
		end
		assert_eq({ failure.name }, names, failure.command)
	end
end)

test("the `repeat:` command of a failure is in the text, KTAP and JUnit reports", function()
	local command = "RUNNER test -f '^Lua'\\''s own error$' verdicts.lua"
	local function said(format)
		local opts = { commands = true, env = { PROFILE = "minimal" } }
		return runner.run({ "test", "--format", format, "verdicts.lua" }, opts).said
	end
	assert_contains(said "human", "\n      repeat: " .. command .. "\n")
	assert_contains(said "tap", "\n    # repeat: " .. command .. "\n")
	assert_contains(said "junit", "\nrepeat: " .. command:gsub("'", "&#39;") .. "\n")
end)

test("the `repeat:` command of a failure has the run's PROFILE, ACCEL and TRANSPORT", function()
	runner.with_folder(function(dir)
		local odd = dir .. "/it's \"odd\".lua"
		runner.write(odd, "test('x', function() assert(false) end)\n")
		local env = { PROFILE = "debug", ACCEL = "tcg", TRANSPORT = "serial" }
		local r = runner.run({ "test", odd }, { commands = true, env = env })
		assert_contains(r.said, ("repeat: PROFILE=debug ACCEL=tcg TRANSPORT=serial RUNNER test -f '^x$' '%s/it'\\''s \"odd\".lua'\n"):format(dir))
		local command = r.said:match("repeat: ([^\n]*)"):gsub("RUNNER", runner.path)
		assert_contains(runner.shell(command), "1 of 1 failed")
	end)
end)

test("the `repeat:` command of a failure is valid for a file name of any bytes", function()
	runner.with_folder(function(dir)
		local odd = dir .. "/\xff\27[31m\n<&>.lua"
		runner.write(odd, "test('x', function() assert(false) end)\n")
		for _, format in ipairs { "human", "tap", "json", "junit" } do
			local r = runner.run({ "test", "--format", format, odd }, { commands = true })
			assert_eq(1, r.status)
			assert_eq(nil, r.said:match("[\27\xff]"), format)
		end
		local command = runner.run({ "test", odd }, { commands = true }).said:match("repeat: ([^\n]*)")
		runner.write(dir .. "/run", (command:gsub("RUNNER", runner.path)) .. "\n")
		assert_contains(runner.shell("bash " .. dir .. "/run"), "1 of 1 failed")
	end)
end)

-- --- files that die or print ---

test("a killed file: ended tests keep their results, and the running test failed", function()
	local r = runner.run({ "test", "killed.lua" }, { commands = true, env = { PROFILE = "" } })
	assert_eq([[
killed.lua ... BROKEN (1 of 2 failed, Ts)
  · before ... ok
  · is killed ... BROKEN: the file's process was killed by signal 9 (Killed)
      repeat: RUNNER test -f '^is killed$' killed.lua
BROKEN: 1 passed, 1 broken
]], r.said)
	assert_eq(3, r.status)
end)

test("what a test file prints is shown apart from the report's own lines", function()
	with_report("json", { "hostile.lua" }, function(_, said)
		for _, line in ipairs(lines_of(said)) do assert(core.json(line), line) end
	end)
end)
