-- SPDX-License-Identifier: GPL-2.0-only
-- provium check and make bisect, with a module that is a Lua file.

local core = require "provium.core"
local history = require "history"
local runner = require "runner"
local small_kit = require "small_kit"

provium.timeout = "2h"

local function with_commit(opts, fn) small_kit.with(1, function() return opts end, fn) end

-- --- provium check: the verdict on one commit ---

-- A test whose fixture reports that its guest did not boot in time.
local SLOW_BOOT = [[
local dir = debug.getinfo(1, "S").source:match("^@(.*)/")
os.execute("mkdir -p '" .. dir .. "/fixtures'")
local file = assert(io.open(dir .. "/fixtures/slow.lua", "w"))
file:write("error('boot x: the agent in the guest did not answer within 30 s', 0)")
file:close()
test("a", { fixture = "slow" }, function() end)
]]

local VERDICTS = {
	{ "good", 0, {} },
	{ "bad: numbers add up", 1, { module = small_kit.BUG } },
	{ "untestable: it does not build: tally.c:7: error: there is no plus", 125, { build = small_kit.NO_BUILD } },
	{ "untestable: sum: ENODEV", 125, { module = small_kit.NO_LOAD } },
	{ "untestable: every test was skipped", 125, { test = "test('a', function() skip('none') end)" } },
	{ "untestable: (the file): a word", 125, { test = "test('a', function() assert(true) end) error('a word', 0)" } },
	{ "bad: sum", 1, { test = "assert_eq(1, 2)" } },
	{ "broken: while building: cc1: No space left on device", 128, { build = "echo 'cc1: No space left on device'; exit 1" } },
	{ "broken: while building: make: *** [mk/modules.mk:N: modules] Killed", 128, { build = "kill -9 $$" } },
	{ "broken: while building: make was killed by signal 9", 128, { build = "kill -9 $PPID; sleep 1" } },
	{ "broken: a: fixture slow: boot x: the agent in the guest did not answer within 30 s; the host may be busy", 128,
		{ test = SLOW_BOOT } },
	{ "broken: the runner was killed by signal 9", 128,
		{ test = "os.execute('kill -9 $(ps -o ppid= $PPID)') assert(true)" } },
	{ "broken: a: the file's process was killed by signal 9 (Killed)", 128,
		{ test = "test('a', function() os.execute('kill -9 $PPID') end)" } },
}

for _, row in ipairs(VERDICTS) do
	local line, status, opts = table.unpack(row)
	test(("provium check prints \"%s\""):format(line), function()
		with_commit(opts, function(kit)
			local said, code = kit:check()
			assert_eq({ line, status }, { said:gsub("%.mk:%d+:", ".mk:N:"), code })
		end)
	end)
end

test("provium check reports \"broken\" if Provium itself does not build", function()
	with_commit({}, function(kit)
		runner.write(kit.dir .. "/mk/build", small_kit.NO_BUILD)
		assert_eq({ "broken: Provium itself does not build: tally.c:7: error: there is no plus", 128 }, { kit:check() })
	end)
end)

test("provium check reports \"untestable\" for a failure that MATCH= does not match", function()
	with_commit({ module = small_kit.BUG }, function(kit)
		assert_eq({ "bad: numbers add up", 1 }, { kit:check("MATCH='expected 42, got 22'") })
		assert_eq({ "untestable: another failure, which MATCH= does not match: numbers add up: expected 42, got 22", 125 },
			{ kit:check("MATCH=panic") })
	end)
end)

test("provium check reports \"bad\" if MATCH= matches a failure outside of the tests", function()
	with_commit({ module = small_kit.NO_LOAD }, function(kit)
		assert_eq({ "bad: sum", 1 }, { kit:check("MATCH=ENODEV") })
	end)
end)

test("provium check reports \"untestable\" without the test, and lists the commit's tests", function()
	with_commit({}, function(kit)
		assert_eq({ ("untestable: T=none: no test in %s/tally/tests has this name; choose from: sum"):format(kit.repo), 125 },
			{ kit:check("T=none") })
		assert_eq({ "good", 0 }, { kit:check("T='s*'") })
	end)
end)

test("provium check with unknown arguments reports the check as broken", function()
	with_commit({}, function(kit)
		assert_eq({ "broken: nonsense: expected VARIABLE=VALUE", 128 }, { kit:check("nonsense") })
		assert_eq({ "broken: CLONES=0: expected a number of 1 or more", 128 }, { kit:check("CLONES=0") })
		assert_eq({ "broken: MATCH=[: malformed pattern (missing ']')", 128 }, { kit:check("MATCH=[") })
	end)
end)

-- A test that fails in its third run.
local FLAKY = [[
test("numbers add up", function()
	local file = io.open("COUNT", "a+")
	file:write("x")
	file:flush()
	file:seek("set")
	assert(#file:read("a") % 3 ~= 0, "got 22")
end)
]]

test("CLONES=n runs the test n times: one failure is bad, and the test is called flaky", function()
	with_commit({ test = FLAKY }, function(kit)
		local said, status = kit:make("check CLONES=4")
		assert_contains(said, "flaky: numbers add up failed in 1 of 4 runs\ncheck: bad: numbers add up\n")
		assert_eq(2, status)
	end)
end)

test("make check prints the output of the build and the tests, and the verdict last", function()
	with_commit({ build = "echo hello from make" }, function(kit)
		local said, status = kit:make("check T=sum")
		assert_eq(0, status)
		assert(said:gsub("%d+%.%d+s", "Ts"):find("hello from make\n.*sum.lua ... ok %(2 tests, Ts%)\ncheck: good\n$"), said)
	end)
end)

-- --- make bisect: the search ---

local SPECIAL = {
	[9] = { build = small_kit.NO_BUILD }, [10] = { build = small_kit.NO_BUILD },
	[12] = { module = small_kit.OTHER_BUG }, [13] = { module = small_kit.NO_LOAD },
}

-- 20 commits; from the 16th on, the module has the bug.
local function history_of_20(n) return SPECIAL[n] or { module = n >= 16 and small_kit.BUG or small_kit.GOOD } end

-- 8 commits; from the 6th on, the module has the bug.
local function history_of_8(n)
	return n == 4 and { build = small_kit.NO_BUILD } or { module = n >= 6 and small_kit.BUG or small_kit.GOOD }
end

local SEARCH = "bisect GOOD=v1 BAD=main"

local function assert_found(kit, n)
	local _, summary = kit:session()
	assert_eq(("tally: version %d"):format(n), summary and summary.first_bad and summary.first_bad.subject)
end

test("make bisect prints the bad commit, its author, the report and how to repeat it", function()
	small_kit.with(20, history_of_20, function(kit)
		local before = history.state(kit.repo)
		local said, status = kit:make(SEARCH .. " T=sum")
		assert_eq(0, status, said)
		assert_found(kit, 16)
		local sha = history.git(kit.repo, "rev-parse v16")
		for _, text in ipairs {
			"The first bad commit is " .. sha, "author:  Ann Author <ann@example.org>", "subject: tally: version 16",
			"fails:   numbers add up", "| sum.lua ... FAIL (1 of 2 failed, ", "expected 42, got 22",
		} do assert_contains(said, text) end
		local again = runner.shell(said:match("\n  repeat:  ([^\n]*)\n") .. " 2>&1")
		assert_eq("check: bad: numbers add up", again:match("[^\n]*$"))
		assert_eq(before, history.state(kit.repo))
	end)
end)

test("make bisect keeps log, report and verdict of each step, git's log and a summary", function()
	small_kit.with(8, history_of_8, function(kit)
		kit:make(SEARCH)
		local dir, summary = kit:session()
		assert_contains(runner.read(dir .. "/summary.txt"), "subject: tally: version 6\n")
		assert_contains(runner.read(dir .. "/bisect.log"), "# first bad commit: [" .. summary.first_bad.commit .. "]")
		for _, step in ipairs(summary.steps) do
			local at = ("%s/%s/"):format(dir, step.dir)
			assert_eq(step.verdict, core.json(runner.read(at .. "verdict.json")).verdict)
			assert(runner.read(at .. "build.log"), at)
			assert(step.reason and step.reason:find("build") or runner.read(at .. "1/sum.result"), at)
		end
	end)
end)

test("git bisect run with provium check finds the same commit", function()
	small_kit.with(20, history_of_20, function(kit)
		history.git(kit.repo, "bisect start main v1")
		local said = history.git(kit.repo, ("bisect run %s/out/bin/provium check MODULE=%s/tally MATCH='got 22'"):format(kit.dir, kit.repo))
		assert_contains(said, history.git(kit.repo, "rev-parse v16") .. " is the first bad commit")
	end)
end)

test("make bisect lists the commits that are left if none of them can be tested", function()
	small_kit.with(6, function(n)
		if n == 3 then return { build = small_kit.NO_BUILD } end
		return { module = n >= 4 and small_kit.BUG or small_kit.GOOD }
	end, function(kit)
		local said, status = kit:make(SEARCH)
		assert_eq(2, status)
		assert_contains(said, "The first bad commit is one of these; the others of them cannot be tested:\n")
		local _, summary = kit:session()
		assert_eq(2, #summary.possible)
	end)
end)

test("make bisect with KERNEL_SRC= searches the history of a kernel tree", function()
	small_kit.with(8, history_of_8, function(kit)
		local before = history.state(kit.repo)
		local said = kit:make(("%s MODULE= KERNEL_SRC=%s/tally TESTS=%s/tally/tests"):format(SEARCH, kit.repo, kit.repo))
		assert_contains(said, "subject: tally: version 6\n")
		assert_contains(said, "untestable")
		assert_eq(before, history.state(kit.repo))
	end)
end)

-- Merges a branch with three commits, the second of which has the bug.
test("make bisect finds a commit on a branch that was merged", function()
	small_kit.with(4, function() return {} end, function(kit)
		history.git(kit.repo, "checkout -q -b side v2")
		for i = 1, 3 do
			runner.write(kit.repo .. "/number", tostring(i))
			kit:commit { module = i >= 2 and small_kit.BUG or small_kit.GOOD }
		end
		history.git(kit.repo, "tag broken HEAD~1")
		history.git(kit.repo, "checkout -q main")
		history.git(kit.repo, "merge -q -m merge side")
		local said = kit:make(SEARCH)
		assert_contains(said, "The first bad commit is " .. history.git(kit.repo, "rev-parse broken") .. "\n")
	end)
end)

-- A bug from the 5th commit on, which shows in every third run; with
-- BISECT_FLAKY=, in one of three by chance.
local SESSIONS = tonumber(os.getenv "BISECT_FLAKY")

local FLAKY_SUM = [[
	local runs = %q

	local function shows()
		if %s then return math.random(3) == 1 end
		local file = io.open(runs, "a+")
		file:write("x")
		file:flush()
		file:seek("set")
		return #file:read("a") %% 3 == 0
	end

	test("numbers add up", function()
		local n = dofile(("../../profile/%%s/module.lua"):format(provium.profile)).n
		assert(n < 5 or not shows(), "got 22")
	end)
]]

test("make bisect with CLONES=8 finds a bug that shows in one of three runs, and says so", { timeout = "2h" }, function()
	small_kit.with(8, function(n) return { module = ("return { n = %d }"):format(n) } end, function(kit)
		runner.shell("mkdir -p " .. kit.dir .. "/tests")
		runner.write(kit.dir .. "/tests/flaky.lua", FLAKY_SUM:format(kit.dir .. "/runs", SESSIONS ~= nil))
		for i = 1, SESSIONS or 1 do
			local said = kit:make(SEARCH .. " CLONES=8 TESTS=" .. kit.dir .. "/tests")
			log(("session %d: %s"):format(i, said:match("%d+ steps, %d+ s") or said))
			assert_contains(said, "subject: tally: version 5\n")
			assert_contains(said, "A test is flaky: at ")
		end
	end)
end)

test("make bisect with several modules searches the first one's repository, and says so", function()
	small_kit.with(8, history_of_8, function(kit)
		local files = small_kit.files { module = small_kit.GOOD }
		files["tally/tests/sum.lua"] = nil
		local other = history.make(kit.dir .. "/other", 1, function() return files end)
		local said = kit:make(("%s MODULE='%s/tally %s/tally'"):format(SEARCH, kit.repo, other))
		assert_contains(said, ("bisect: %s/tally is outside of %s, whose history is searched: every step uses it as it is now\n")
			:format(other, kit.repo))
		assert_contains(said, "BAD=main is good")
		said = kit:make(("%s MODULE='%s/tally %s/tally' TESTS=%s/tally/tests"):format(SEARCH, kit.repo, kit.repo, kit.repo))
		assert_contains(said, "subject: tally: version 6\n")
	end)
end)

-- --- make bisect: which version of the tests runs ---

test("make bisect tests every commit with the present tests, even uncommitted ones", function()
	small_kit.with(8, history_of_8, function(kit)
		runner.write(kit.repo .. "/tally/tests/new.lua", [[
			test("the sum is right", function()
				assert_eq(42, dofile(("../../profile/%s/module.lua"):format(provium.profile)).add(20, 22))
			end)]])
		local before = history.state(kit.repo)
		local said = kit:make(SEARCH .. " T=new")
		assert_contains(said, "subject: tally: version 6\n")
		assert_eq(before, history.state(kit.repo))
	end)
end)

test("TESTS_AT=commit takes each commit's own tests", function()
	small_kit.with(6, function(n)
		return { test = ("test('one', function() assert(%d < 4, 'too late') end)"):format(n) }
	end, function(kit)
		assert_contains(kit:make(SEARCH), "GOOD=v1 is bad, too: one fails there.")
		local said = kit:make(SEARCH .. " TESTS_AT=commit")
		assert_contains(said, "subject: tally: version 4\n")
		assert_contains(kit:make(SEARCH .. " TESTS_AT=HEAD"), "TESTS_AT=HEAD: expected commit")
	end)
end)

-- --- make bisect: wrong uses ---

local function assert_refused(kit, args, sentence)
	local before = history.state(kit.repo)
	local said, status = kit:make(args)
	assert_contains(said, "provium: bisect: " .. sentence)
	assert_eq({ 2, before }, { status, history.state(kit.repo) })
end

test("make bisect refuses an unknown commit, the same commit twice, and a missing one", function()
	small_kit.with(3, function() end, function(kit)
		assert_refused(kit, "bisect GOOD=v9 BAD=main", "GOOD=v9: " .. kit.repo .. " has no such commit; git log --oneline lists those it has")
		assert_refused(kit, "bisect GOOD=v3 BAD=main", "GOOD and BAD are the same commit, ")
		assert_refused(kit, "bisect BAD=main", "give GOOD=REV and BAD=REV: ")
		assert_refused(kit, "bisect MODULE= GOOD=v1 BAD=main", "give MODULE=FOLDER or KERNEL_SRC=TREE, ")
	end)
end)

test("make bisect refuses a folder that is in no git repository", function()
	small_kit.with(1, function() end, function(kit)
		local said, status = kit:make(("bisect GOOD=v1 BAD=main MODULE=%s/mk"):format(kit.dir))
		assert_contains(said, ("bisect: %s/mk is not in a git repository: give a MODULE= or KERNEL_SRC= that is"):format(kit.dir))
		assert_eq(2, status)
	end)
end)

test("make bisect refuses a GOOD that is not before BAD, and says where to begin", function()
	small_kit.with(4, function() end, function(kit)
		assert_refused(kit, "bisect GOOD=v4 BAD=v2", "BAD=v2 is older than GOOD=v4: exchange them")
		history.git(kit.repo, "checkout -q -b side v2")
		kit:commit {}
		assert_refused(kit, "bisect GOOD=side BAD=main", ("GOOD=side is not an ancestor of BAD=main: give GOOD=%s, ")
			:format(history.git(kit.repo, "rev-parse --short=12 v2")))
		history.git(kit.repo, "checkout -q --orphan other")
		kit:commit {}
		assert_refused(kit, "bisect GOOD=other BAD=main", "GOOD=other and BAD=main have no common history")
	end)
end)

test("make bisect refuses a GOOD that is bad, and a BAD that is good", function()
	small_kit.with(4, function(n) return { module = n == 2 and small_kit.BUG or small_kit.GOOD } end, function(kit)
		assert_refused(kit, "bisect GOOD=v2 BAD=v4", "GOOD=v2 is bad, too: numbers add up fails there. Give an older commit")
		assert_refused(kit, "bisect GOOD=v1 BAD=v4", "BAD=v4 is good: the tests pass there, too. Give a later commit")
		runner.write(kit.repo .. "/tally/tests/sum.lua", "error('better')")
		assert_refused(kit, "bisect GOOD=v1 BAD=v4", "GOOD=v1 is bad, too: sum fails there.")
	end)
end)

test("make bisect refuses a GOOD and a BAD that cannot be tested, with the reason", function()
	small_kit.with(4, function(n)
		return n == 1 and { build = small_kit.NO_BUILD } or n == 4 and { module = small_kit.NO_LOAD } or {}
	end, function(kit)
		assert_refused(kit, "bisect GOOD=v1 BAD=v3", "GOOD=v1 cannot be tested: it does not build: tally.c:7: error: ")
		assert_refused(kit, "bisect GOOD=v2 BAD=v4", "BAD=v4 cannot be tested: sum: ENODEV. Give another commit, or MATCH=PATTERN")
		assert_contains(kit:make("bisect GOOD=v2 BAD=v4 MATCH=ENODEV"), "subject: tally: version 4\n")
	end)
end)

test("make bisect refuses a test that does not exist, in the present tests and at GOOD", function()
	small_kit.with(3, function() end, function(kit)
		assert_refused(kit, "bisect GOOD=v1 BAD=main T=none", ("T=none: no test in %s/tally/tests has this name; choose from: sum")
			:format(kit.repo))
		runner.write(kit.repo .. "/tally/tests/new.lua", "test('one', function() assert(false) end)")
		history.git(kit.repo, "add -A")
		history.git(kit.repo, "commit -q -m new")
		assert_refused(kit, "bisect GOOD=v1 BAD=main T=new TESTS_AT=commit", "GOOD=v1 cannot be tested: T=new: no test in ")
	end)
end)

test("make bisect refuses a shallow clone only if its history is too short", function()
	small_kit.with(8, history_of_8, function(kit)
		history.git(kit.dir, ("clone -q --depth 6 file://%s shallow"):format(kit.repo))
		kit.repo = kit.dir .. "/shallow"
		assert_refused(kit, "bisect GOOD=HEAD~9 BAD=main", ("GOOD=HEAD~9: %s has no such commit: it is a shallow clone; " ..
			"get the rest of its history: git -C %s fetch --unshallow"):format(kit.repo, kit.repo))
		assert_contains(kit:make("bisect GOOD=HEAD~5 BAD=main"), "subject: tally: version 6\n")
	end)
end)

test("make bisect keeps uncommitted changes, and says that it does not test them", function()
	small_kit.with(8, history_of_8, function(kit)
		runner.write(kit.repo .. "/tally/module.lua", "changed")
		history.git(kit.repo, "add -A")
		runner.write(kit.repo .. "/tally/module.lua", "changed once more")
		local before = history.state(kit.repo)
		local said = kit:make(SEARCH)
		assert_contains(said, kit.repo .. " has changes that are not committed: commits are tested without them\n")
		assert_contains(said, "subject: tally: version 6\n")
		assert_eq(before, history.state(kit.repo))
		assert_eq("changed once more", runner.read(kit.repo .. "/tally/module.lua"))
	end)
end)

test("make bisect checks out submodules, and says which one was never fetched", function()
	small_kit.with_submodule(6, 4, function(kit)
		local before = history.state(kit.repo)
		assert_contains(kit:make("bisect GOOD=main~5 BAD=main"), "subject: plus 4\n")
		assert_eq(before, history.state(kit.repo))
		history.git(kit.dir, ("clone -q %s without"):format(kit.repo))
		kit.repo = kit.dir .. "/without"
		assert_refused(kit, "bisect GOOD=main~5 BAD=main", ("GOOD=main~5 cannot be tested: the submodule plus was never fetched: " ..
			"git -C %s submodule update --init"):format(kit.repo))
	end)
end)
