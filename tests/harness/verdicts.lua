-- SPDX-License-Identifier: GPL-2.0-only
-- The verdicts on test files, checked by the exact text of the report.

local core = require "provium.core"
local runner = require "runner"

-- Runs a canned suite and checks its exit status and its exact output.
local function assert_says(status, suite, said)
	local r = runner.run { "test", suite }
	assert_eq(said, r.said)
	assert_eq(status, r.status)
end

test("a file whose tests pass: exit status 0", function()
	assert_says(0, "good.lua", [[
good.lua ... ok (2 tests, Ts)
  · one ... ok
  · two ... ok
ok: 2 passed
]])
end)

test("a file with a test for each kind of failure, skip and todo: exit status 1", function()
	assert_says(1, "verdicts.lua", [[
verdicts.lua ... FAIL (7 of 12 failed, Ts)
  · passes ... ok
  · an assertion fails ... FAIL: expected 0, got -13 (EACCES)
      at verdicts.lua:5
  · an error of the test ... FAIL: something broke
      at verdicts.lua:6
  · an error without a position ... FAIL: just words
      at verdicts.lua:7
  · an error that is a table ... FAIL: {code = 7}
      at verdicts.lua:8
  · Lua's own error ... FAIL: attempt to index a nil value (local 't')
      at verdicts.lua:9
  · skipped ... skip: no such hardware
  · skipped after a check ... skip
  · a todo ... todo: when there is time
  · no check ran ... FAIL: no check ran: a test without an assertion proves nothing
  · a failed test whose log is shown ... FAIL: look above
      at verdicts.lua:20
      log: first 2 {three = 3}
      log: second
      log: line
  · a passed test whose log is not shown ... ok
FAIL: 2 passed, 7 failed, 3 skipped
]])
end)

test("an error value that cannot be printed fails its test, and the next tests run", function()
	local r = runner.run { "test", "weird_errors.lua" }
	assert_eq(1, r.status)
	for _, said in ipairs {
		"__tostring raises ... FAIL: (a table whose __tostring raised an error: weird_errors.lua:5: raised by __tostring)\n",
		"__tostring returns no string ... FAIL: (a table whose __tostring raised an error: '__tostring' must return a string)\n",
		"__index raises ... FAIL: {}\n", "__pairs raises ... FAIL: {}\n", "__len raises ... FAIL: {}\n",
		"__metatable is no table ... FAIL: {1}\n",
		"a key whose __tostring raises ... FAIL: {a = 2, [(a table whose __tostring raised an error: weird_errors.lua:5: raised by __tostring)] = 1}\n",
		"the field kind of another library ... FAIL: {kind = \"user\", message = {}}\n",
		"the kind of a skip in a plain table ... FAIL: {kind = \"skip\"}\n",
		"an error object with a message that is no string ... skip: {7}\n",
		"a table nested a million deep ... FAIL: " .. ("{"):rep(21) .. "…" .. ("}"):rep(21) .. "\n",
		"a table that contains itself often ... FAIL: {{{", "after them ... ok\n",
	} do
		assert_contains(r.said, "  · " .. said)
	end
	assert(#r.said < 20000, #r.said)
end)

test("an error without a value, an error in __close and os.exit() fail the test", function()
	assert_says(1, "raised_late.lua", [[
raised_late.lua ... FAIL (4 of 4 failed, Ts)
  · error(nil) ... FAIL: nil was raised as an error; expected a message: error("...")
      at raised_late.lua:8
  · __close raises ... FAIL: raised by __close
      at raised_late.lua:5
  · __close raises after another error ... FAIL: raised by __close
      at raised_late.lua:5
  · os.exit() in a test ... FAIL: the file's process ended with status 0 before it had a verdict (os.exit?)
FAIL: 0 passed, 4 failed
]])
end)

test("an error in a __gc metamethod fails the file", function()
	assert_says(1, "gc_error.lua", [[
provium: error in __gc (gc_error.lua:5: raised by __gc)
gc_error.lua ... FAIL (1 of 3 failed, Ts)
  · collects garbage ... ok
  · after it ... ok
  · (the file) ... FAIL: Lua collected garbage of one of these tests: error in __gc (gc_error.lua:5: raised by __gc)
FAIL: 2 passed, 1 failed
]])
end)

test("endless recursion of any kind fails its test within 30 s", function()
	local start = core.now()
	assert_says(1, "recursion.lua", [[
recursion.lua ... FAIL (5 of 6 failed, Ts)
  · of a Lua function ... FAIL: stack overflow
      at recursion.lua:4
  · through pcall ... FAIL: C stack overflow
      at recursion.lua:7
  · through gsub ... FAIL: C stack overflow
      at recursion.lua:9
  · through __index ... FAIL: C stack overflow
      at recursion.lua:10
  · through coroutines ... FAIL: C stack overflow
      at recursion.lua:11
  · after them ... ok
FAIL: 1 passed, 5 failed
]])
	local seconds = core.now() - start
	assert(seconds < 30, seconds)
end)

test("each of the many tests of a file has a verdict", function()
	local nr = tonumber(os.getenv("TESTS_IN_FILE") or 5000)
	local said = runner.run({ "test", "many.lua" }, { env = { TESTS = nr } }).said
	assert_contains(said, ("\n  · test %d ... ok\nok: %d passed\n"):format(nr, nr))
end)

test("a test that removes Lua functions or sets a debug hook does not affect other tests", function()
	assert_says(1, "breaks_library.lua", [[
breaks_library.lua ... FAIL (2 of 5 failed, Ts)
  · a hook that raises ... FAIL: raised by the hook
      at breaks_library.lua:7
  · after the hook ... ok
  · removes the library ... ok
  · after the library ... FAIL: expected {a = {1}}, got {a = {2}}
      at breaks_library.lua:23
  · string methods ... ok
FAIL: 3 passed, 2 failed
]])
end)

test("a second test with the same title ends the file with an error", function()
	assert_says(1, "duplicate.lua", [[
duplicate.lua ... FAIL (1 of 2 failed, Ts)
  · twice ... ok
  · (the file) ... FAIL: test "twice": another test has this name (line 4)
      at duplicate.lua:5
FAIL: 1 passed, 1 failed
]])
end)

test("a test inside a test fails the outer one", function()
	assert_says(1, "nested.lua", [[
nested.lua ... FAIL (1 of 2 failed, Ts)
  · outer ... FAIL: test "inner": called inside test "outer"; close the outer test first
      at nested.lua:5
  · after it ... ok
FAIL: 1 passed, 1 failed
]])
end)

test("an error outside of any test ends the file", function()
	assert_says(1, "outside.lua", [[
outside.lua ... FAIL (1 of 2 failed, Ts)
  · before ... ok
  · (the file) ... FAIL: not in a test
      at outside.lua:5
FAIL: 1 passed, 1 failed
]])
end)

test("skip() outside of any test ends the file", function()
	assert_says(1, "misplaced.lua", [[
misplaced.lua ... FAIL (1 of 2 failed, Ts)
  · before ... ok
  · (the file) ... FAIL: skip: only inside of a test
      at misplaced.lua:5
FAIL: 1 passed, 1 failed
]])
end)

test("a file without test() counts as one test", function()
	assert_says(0, "whole.lua", [[
whole.lua ... ok (1 test, Ts)
  · whole ... ok
ok: 1 passed
]])
end)

test("a file without test() whose assertion fails counts as one failed test", function()
	assert_says(1, "whole_bad.lua", [[
whole_bad.lua ... FAIL (1 of 1 failed, Ts)
  · whole_bad ... FAIL: expected 5, got 4
      at whole_bad.lua:5
      log: on the way
FAIL: 0 passed, 1 failed
]])
end)

test("a file in which no check ran fails", function()
	assert_says(1, "empty.lua", [[
empty.lua ... FAIL (1 of 1 failed, Ts)
  · empty ... FAIL: the file has no test(…), and no check ran in it
FAIL: 0 passed, 1 failed
]])
end)

test("a file without tests that returns a value is no failure, and says that it has no tests", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/helper.lua", "return { answer = 42 }\n")
		runner.write(dir .. "/real.lua", "assert_eq(42, dofile('helper.lua').answer)\n")
		for _, path in ipairs { ".", "helper.lua" } do
			local r = runner.run({ "test", path }, { cwd = dir })
			assert_eq(0, r.status, r.said)
			assert_contains(r.said, "  · helper ... skip: the file has no tests: it returns a value")
		end
	end)
end)

test("a file with a syntax error fails with the line", function()
	assert_says(1, "syntax.lua", [[
syntax.lua ... FAIL (1 of 1 failed, Ts)
  · (the file) ... FAIL: ')' expected (to close '(' at line 5) near 'end'
      at syntax.lua:6
FAIL: 0 passed, 1 failed
]])
end)

test("os.exit() outside of any test fails the file, even with status 0", function()
	assert_says(1, "os_exit.lua", [[
os_exit.lua ... FAIL (1 of 2 failed, Ts)
  · before ... ok
  · (the file) ... FAIL: the file's process ended with status 0 before it had a verdict (os.exit?)
FAIL: 1 passed, 1 failed
]])
end)

test("the error for an unknown profile lists the known profiles", function()
	local r = runner.run { "test", "no_profile.lua" }
	assert_eq(1, r.status)
	assert_contains(r.said, "  · boots ... FAIL: there is no profile \"nonesuch\"; there are: " .. runner.profiles() .. "\n")
	assert_contains(r.said, "      at no_profile.lua:4\n")
end)

test("a title of any bytes is printed as one line", function()
	assert_says(1, "names.lua", [[
names.lua ... FAIL (1 of 8 failed, Ts)
  · "quoted" and \backslash ... ok
  · two\nlines ... ok
  · ok 1 - # SKIP nothing ... ok
  · <b>&amp;</b> %s %d ... ok
  · not UTF-8: \xff\xfe ... FAIL: nor is this: \xff <&> # "
      at names.lua:8
  · control \x1b[31m characters\x00 ... ok
  ·  ... ok
  · ñàмé 🙂 ... ok
FAIL: 7 passed, 1 failed
]])
end)

test("a test file finds helpers and data in its own folder", function()
	assert_says(0, "uses_helper.lua", [[
uses_helper.lua ... ok (1 test, Ts)
  · the data file is found ... ok
ok: 1 passed
]])
end)

test("several files are printed one after the other, with one summary", function()
	local r = runner.run { "test", "good.lua", "whole_bad.lua", "whole.lua" }
	assert_eq([[
good.lua ... ok (2 tests, Ts)
  · one ... ok
  · two ... ok
whole_bad.lua ... FAIL (1 of 1 failed, Ts)
  · whole_bad ... FAIL: expected 5, got 4
      at whole_bad.lua:5
      log: on the way
whole.lua ... ok (1 test, Ts)
  · whole ... ok
FAIL: 3 passed, 1 failed
]], r.said)
	assert_eq(1, r.status)
end)
