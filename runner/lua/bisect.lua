-- SPDX-License-Identifier: GPL-2.0-only
-- provium bisect: finds the commit that broke a test.

local core = require "provium.core"
local commit = require "provium.commit"
local session = require "provium.bisect_session"
local summary = require "provium.bisect_summary"

local fail, stop, say = session.fail, session.stop, session.say
local run, write, git, try_git = session.run, session.write, session.git, session.try_git
local describe = session.describe

local bisect = {}

local CONFIRMATIONS = 3		-- confirm() runs the tests CONFIRMATIONS * CLONES= times

-- --- one step: a commit is built and tested ---

-- Checks out the submodules of the commit from those of the user's repository.
-- Returns nothing, or why that is not possible.
local function check_out_submodules(s)
	local list = try_git(s.clone, "config", "-f", ".gitmodules", "--get-regexp", "\\.path$")
	for name, path in (list or ""):gmatch("submodule%.([^\n]-)%.path ([^\n]+)") do
		local from = git(s.repo, "rev-parse", "--path-format=absolute", "--git-path", "modules/" .. name)
		if not core.realpath(from) then
			return ("the submodule %s was never fetched: git -C %s submodule update --init"):format(path, s.repo)
		end
		git(s.clone, "config", ("submodule.%s.url"):format(name), from)
		local sha = git(s.clone, "rev-parse", "HEAD:" .. path)
		if not try_git(from, "cat-file", "-e", sha .. "^{commit}") then
			return ("the submodule %s has no commit %s: git -C %s/%s fetch --all"):format(path, sha:sub(1, 12), s.repo, path)
		end
		git(s.clone, "submodule", "update", "-q", "--init", "--force", "--", path)
	end
end

local function check_out(s, sha)
	git(s.clone, "checkout", "-q", "-f", "--detach", sha)
	git(s.clone, "clean", "-q", "-ffdx")
	return check_out_submodules(s)
end

-- Returns the arguments for make that build a commit into the session's folder,
-- and the profile.toml that make writes there.
local function goals(s)
	local folder = ("%s/profile/%s"):format(s.dir, s.vars.PROFILE or core.default_profile())
	return { "for-commit", "PROFILE_DIR=" .. folder }, folder .. "/profile.toml"
end

-- Lets the runner find the session's profile: it looks for provium.toml in the
-- current folder, and the paths in it are relative to its folder.
local function link_profile(s, profile)
	run("ln", "-sfn", core.home() .. "/initramfs", s.dir .. "/initramfs")
	run("ln", "-sfn", profile, s.dir .. "/provium.toml")
end

-- Returns the environment of a step. Its runs do not count as the user's and
-- have the session's own fixture store; a compiler that is killed leaves its
-- temporary files in a folder of the session.
local function environment(s)
	local temp = s.dir .. "/tmp"
	run("rm", "-rf", temp)
	run("mkdir", temp)
	return { "TMPDIR=" .. temp, "PROVIUM_INSIDE=1", "PROVIUM_STORE=" .. s.dir .. "/fixtures" }
end

-- Returns the result of commit.judge() for a commit.
local function judge(s, sha, dir, rounds)
	local reason = check_out(s, sha)
	local names
	if not reason then names, reason = commit.choose(s.tests, s.vars.T) end
	if reason then return { verdict = "untestable", reason = reason, failures = {} } end
	local list, profile = goals(s)
	link_profile(s, profile)
	return commit.judge {
		kit = s.kit, runner = commit.RUNNER, vars = session.step_variables(s), goals = list, dir = dir,
		tests = s.tests, names = names, cwd = dir, rounds = rounds, wanted = s.wanted,
		env = environment(s), keep_logs = true,
	}
end

-- Prints the line of a step, and adds the step to the session's list.
local function add_step(s, step)
	s.steps[#s.steps + 1], s.by_commit[step.commit] = step, step
	say("%3d  %-10s %6.1f s  %s", #s.steps, step.verdict, step.seconds, describe(s, step.commit))
	if step.reason then say("       %s", step.reason) end
	if step.flaky then say("       flaky: %s", step.flaky) end
end

-- Tests a commit in a step of its own. Raises an error if the host fails.
local function take_step(s, sha, rounds)
	local name = ("%d-%s"):format(#s.steps + 1, sha:sub(1, 12))
	local dir, start = s.dir .. "/steps/" .. name, core.now()
	run("rm", "-rf", dir)
	run("mkdir", "-p", dir)
	write(s.dir .. "/.step", name)
	local step = judge(s, sha, dir, rounds)
	step.commit, step.dir, step.seconds = sha, "steps/" .. name, core.now() - start
	if step.verdict == "broken" then
		stop("%s: %s\nLogs: %s\nRepair it and give the same command: the session goes on with this commit.",
			describe(s, sha), step.reason, dir)
	end
	write(dir .. "/verdict.json", core.to_json(step))
	return step
end

-- Returns the step that tested the commit: an earlier one, or a new one.
local function step_of(s, sha)
	if not s.by_commit[sha] then add_step(s, s.saved[sha] or take_step(s, sha, s.rounds)) end
	return s.by_commit[sha]
end

-- A flaky test can pass by chance at a commit that has the bug. Runs the tests
-- at a good commit more often. Returns whether it is good even then.
local function confirm(s, sha)
	local step = step_of(s, sha)
	if step.verdict ~= "good" or s.rounds == 1 or step.confirmed then return step.verdict == "good" end
	local again = take_step(s, sha, CONFIRMATIONS * s.rounds)
	again.confirmed = true
	write(s.dir .. "/" .. again.dir .. "/verdict.json", core.to_json(again))
	add_step(s, again)
	return again.verdict == "good"
end

-- Reads the steps that ended before the session was interrupted.
local function load_steps(s)
	s.saved = {}
	for _, name in ipairs(core.list(s.dir .. "/steps")) do
		local step = session.read_json(("%s/steps/%s/verdict.json"):format(s.dir, name))
		local earlier = step and s.saved[step.commit]
		if step and not (earlier and earlier.confirmed) then s.saved[step.commit] = step end
	end
	if next(s.saved) then say("bisect: going on with the session in %s", s.dir) end
end

-- --- the search for the first bad commit ---

-- Raises an error and ends the session, so that the same command begins a new
-- one: the tests may have changed by then.
local function refuse(s, fmt, ...)
	write(s.dir .. "/summary.json", core.to_json { variables = s.vars, steps = s.steps, error = fmt:format(...) })
	fail(fmt, ...)
end

local function check_good(s)
	local step = step_of(s, s.good)
	if step.verdict == "bad" then
		refuse(s, "GOOD=%s is bad, too: %s fails there. Give an older commit, or narrow MATCH= to the failure to search for",
			s.vars.GOOD, step.reason)
	elseif step.verdict == "untestable" then
		refuse(s, "GOOD=%s cannot be tested: %s. Give a commit where the tests pass%s", s.vars.GOOD, step.reason,
			s.vars.TESTS_AT and ", or leave out TESTS_AT=commit to use the present tests everywhere" or "")
	end
end

local function check_bad(s)
	local step = step_of(s, s.bad)
	if step.verdict == "good" and confirm(s, s.bad) then
		refuse(s, "BAD=%s is good: the tests pass there, too. Give a later commit, tests that fail (T=, MATCH=), " ..
			"or CLONES=n for a test that fails only sometimes", s.vars.BAD)
	end
	step = s.by_commit[s.bad]
	if step.verdict == "untestable" then
		refuse(s, "BAD=%s cannot be tested: %s. Give another commit%s", s.vars.BAD, step.reason,
			s.vars.MATCH and "" or ", or MATCH=PATTERN if this failure is the one to search for")
	end
	-- From here on, a failure of other tests than those that fail at BAD=
	-- is another bug.
	s.wanted = {}
	for title in pairs(step.failures) do s.wanted[title] = true end
end

local WORD = { good = "good", bad = "bad", untestable = "skip" }

-- Asks git for commits to test until git names the first bad one. Returns that
-- commit; or nil and the list of commits of which one is the first bad one.
local function search(s)
	git(s.clone, "checkout", "-q", "-f", "--detach", s.bad)
	try_git(s.clone, "bisect", "reset", s.bad)
	git(s.clone, "bisect", "start", "--no-checkout", s.bad, s.good)
	local before, reason
	while true do
		-- This is what `git bisect log` prints, read without starting
		-- a process.
		local log = session.read(s.clone .. "/.git/BISECT_LOG")
		if log == before then stop("git bisect does not go on: %s", reason or "it took a commit and asks for it again") end
		write(s.dir .. "/bisect.log", log)
		before = log
		local found = log:match("# first bad commit: %[(%x+)%]")
		if found then return found end
		if log:find("# only skipped commits left", 1, true) then
			local list = {}
			for sha in log:gmatch("# possible first bad commit: %[(%x+)%]") do list[#list + 1] = sha end
			return nil, list
		end
		local sha = git(s.clone, "rev-parse", "BISECT_HEAD")
		-- With only skipped commits left, git exits with status 2.
		reason = select(2, try_git(s.clone, "bisect", WORD[step_of(s, sha).verdict], sha))
	end
end

-- Returns the commit that the search finds and whose parents are good for sure.
local function find(s)
	while true do
		local found, possible = search(s)
		if not found then return nil, possible end
		local is_sure = true
		for _, parent in ipairs(commit.words(git(s.clone, "show", "-s", "--format=%P", found))) do
			local known = s.by_commit[parent]
			if known and known.verdict == "good" and not confirm(s, parent) then is_sure = false end
		end
		if is_sure then return found end
		say("bisect: a good commit has turned out to be bad: searching again")
	end
end

-- Takes VARIABLE=VALUE arguments; returns the exit status: 0 the commit is
-- found, 1 it is one of several.
function bisect.run(...)
	local start = core.now()
	local s = session.open { ... }
	s.start = start
	load_steps(s)
	say("bisect: tests GOOD and BAD, then searches %s commits; build.log and tests.log of each step: %s/steps",
		git(s.clone, "rev-list", "--count", ("%s..%s"):format(s.good, s.bad)), s.dir)
	check_good(s)
	check_bad(s)
	return summary.finish(s, find(s))
end

return bisect
