-- SPDX-License-Identifier: GPL-2.0-only
-- vm:kunit()'s reader of kernel logs, compared with the kernel tree's own
-- parser (tools/testing/kunit).

local core = require "provium.core"
local kunit = require "provium.kunit"
local runner = require "runner"

local LOG = [[
[    0.100000] printk: console [ttyS0] enabled
[    0.410000] KTAP version 1
[    0.410000] 1..2
[    0.410000]     KTAP version 1
[    0.420000]     # Subtest: first
[    0.420000]     1..2
[    0.420000]     ok 1 a
[    0.430000] clocksource: Switched to clocksource tsc
[    0.430000]     # b: EXPECTATION FAILED at lib/x.c:1
[    0.430000]     not ok 2 b
[    0.440000] # first: pass:1 fail:1 skip:0 total:2
[    0.440000] not ok 1 first
[    0.440000]     KTAP version 1
[    0.440000]     # Subtest: second
[    0.440000]     1..1
[    0.450000]     ok 1 c # SKIP no device
[    0.450000] ok 2 second # SKIP no device
[    1.000000] Run /init as init process
]]

local function counts(out) return { out.passed, out.skipped, out.failed } end

test("the KUnit suites in a kernel log become nested results", function()
	local out = kunit.judge(kunit.lines(LOG))
	assert_eq({ 1, 1, 1 }, counts(out))
	assert_eq({ "first", "second" }, { out.results[1].name, out.results[2].name })
	local inner = out.results[1].results
	assert_eq("0.010 0.010", ("%.3f %.3f"):format(inner[1].seconds, inner[2].seconds))
	assert_contains(out.results[1].results[2].message, "EXPECTATION FAILED at lib/x.c:1")
end)

test("a kernel log that ends within a KUnit suite is a failure", function()
	local out = kunit.judge(kunit.lines((LOG:match "^(.-)%[ *0%.430000%]     not ok 2 b")))
	assert_eq("planned 2 results, got 1", out.message)
	assert_eq("planned 2 results, got 1", out.results[1].message)
end)

-- Prints for each file the numbers that kunit_parser.py counts.
local COUNT = [[
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import kunit_parser
for path in sys.argv[2:]:
    with open(path) as f:
        c = kunit_parser.parse_run_tests(f.readlines()).counts
    print("@counts", path, c.passed, c.skipped, c.failed + c.crashed)
]]

-- Returns tools/testing/kunit of the unpacked kernel source, or nil.
local function tools_folder()
	for _, name in ipairs(core.list(runner.home .. "/src")) do
		local tools = core.realpath(("%s/src/%s/tools/testing/kunit"):format(runner.home, name))
		if tools then return tools end
	end
end

-- Logs for which Provium's counts differ from kunit_parser.py's: Provium reads
-- kselftest's form of nested results, and counts a suite that did not end as
-- one failure, not one for each missing test.
local COUNTED_OTHERWISE = {
	["test_is_test_passed-kselftest.log"] = { 4, 0, 0 },
	["test_kernel_panic_interrupt.log"] = { 8, 0, 1 },
}

test("the KUnit logs in the kernel tree give the same counts as the tree's own parser", function()
	local tools = tools_folder()
	if not tools then skip("no kernel tree below out/src") end
	if os.execute "python3 -c '' 2>/dev/null" ~= true then skip("no python3") end
	runner.with_folder(function(dir)
		runner.write(dir .. "/count.py", COUNT)
		local pipe = assert(io.popen(("python3 %s/count.py %s %s/test_data/*.log"):format(dir, tools, tools)))
		local nr_logs, differ = 0, {}
		for line in pipe:lines() do
			local path, passed, skipped, failed = line:match "^@counts (%S+) (%d+) (%d+) (%d+)$"
			local name = path and path:match "[^/]+$"
			if name then
				nr_logs = nr_logs + 1
				local got = counts(kunit.judge(kunit.lines(runner.read(path))))
				local want = COUNTED_OTHERWISE[name] or
					{ tonumber(passed), tonumber(skipped), tonumber(failed) }
				local got_text, want_text = table.concat(got, " "), table.concat(want, " ")
				if got_text ~= want_text then
					differ[#differ + 1] = ("%s: %s, expected %s"):format(name, got_text, want_text)
				end
			end
		end
		pipe:close()
		assert_eq({}, differ)
		assert(nr_logs >= 20, ("%d logs"):format(nr_logs))
	end)
end)
