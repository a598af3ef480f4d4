-- SPDX-License-Identifier: GPL-2.0-only
-- The session of provium bisect: its folder, and the clone in it.
--
-- Everything happens in out/bisect/NAME/, the session's folder:
--
--   session.json   what was asked for: variables, repository, commits
--   src/           a clone of the repository that borrows its objects, so that
--                  nothing is ever written to the user's repository
--   tests/         a copy of the tests, made before the first step
--   steps/N-COMMIT/  build.log, tests.log, the results, and verdict.json
--   bisect.log     git's own log of the bisection
--   summary.txt, summary.json
--
-- A session that was interrupted begins again at the first commit, and takes
-- the verdict of each commit that has a verdict.json. So git's state can be
-- lost at any moment.

local core = require "provium.core"
local commit = require "provium.commit"
local errors = require "provium.errors"
local read_file = require "provium.read_file"

local session = {}

-- How long a runner that was told to end can take: it gives its programs 5 s.
local END_TIMEOUT_S = 8

function session.fail(fmt, ...) errors.raise(errors.KIND.user, "bisect: " .. fmt, ...) end

function session.stop(fmt, ...) errors.raise(errors.KIND.broken, "bisect: " .. fmt, ...) end

function session.say(fmt, ...)
	io.stdout:write(fmt:format(...), "\n")
	io.stdout:flush()
end

local fail, stop, say = session.fail, session.stop, session.say

-- --- files and git ---

function session.run(...)
	local status, _, said = core.command { ... }
	if status ~= 0 then stop("%s: %s", table.concat({ ... }, " "), (said:gsub("%s+$", ""))) end
end

local run = session.run

-- Returns the content of the file; "" if it cannot be read.
function session.read(path) return read_file(path) or "" end

local read = session.read

function session.read_json(path)
	local text = read(path)
	return text ~= "" and core.json(text)
end

local read_json = session.read_json

function session.write(path, text)
	local ok, reason = core.write(path, text)
	if not ok then stop("%s", reason) end
end

local write = session.write

-- GIT_OPTIONAL_LOCKS: git must not refresh the index of the user's repository.
local GIT = {
	"GIT_OPTIONAL_LOCKS=0", "git", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false",
	"-c", "protocol.file.allow=always", "-c", "gc.auto=0",
}

-- Runs git in a folder. Returns its output without the last line end; or nil
-- and its error. Stops the session if git was killed, which answers nothing.
function session.try_git(dir, ...)
	local status, said, reason = core.command(commit.command(dir, GIT, { ... }))
	if status == 0 then return (said:gsub("\n$", "")) end
	if status > 128 then
		stop("git %s in %s was killed by signal %d. Give the same command: the session goes on", (...), dir, status - 128)
	end
	return nil, reason ~= "" and (reason:gsub("%s+$", "")) or ("git ended with status %d"):format(status)
end

local try_git = session.try_git

function session.git(dir, ...)
	local said, reason = try_git(dir, ...)
	return said or stop("git %s in %s: %s", (...), dir, reason)
end

local git = session.git

-- --- the commits to search ---

-- Returns the top of the repository, and the folder below it that is under
-- test.
local function find_repository(vars)
	local subject = commit.words(vars.MODULE)[1] or vars.KERNEL_SRC
	if not subject then fail("give MODULE=FOLDER or KERNEL_SRC=TREE, inside the git repository to search") end
	local top, reason = try_git(subject, "rev-parse", "--show-toplevel")
	if not top then
		fail("%s is not in a git repository: give a MODULE= or KERNEL_SRC= that is (git says: %s)", subject, reason)
	end
	return core.realpath(top)
end

local function is_shallow(repo) return git(repo, "rev-parse", "--is-shallow-repository") == "true" end

local function resolve(repo, name, rev)
	if not rev then fail("give GOOD=REV and BAD=REV: a commit where the tests pass and a later one where one fails") end
	local sha = try_git(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", rev .. "^{commit}")
	if sha then return sha end
	fail("%s=%s: %s has no such commit%s", name, rev, repo, is_shallow(repo) and
		(": it is a shallow clone; get the rest of its history: git -C %s fetch --unshallow"):format(repo) or
		"; git log --oneline lists those it has")
end

local function check_ancestry(s)
	local good, bad, repo = s.good, s.bad, s.repo
	if good == bad then fail("GOOD and BAD are the same commit, %s", good:sub(1, 12)) end
	if try_git(repo, "merge-base", "--is-ancestor", good, bad) then return end
	if is_shallow(repo) then
		fail("the history between GOOD and BAD is incomplete: %s is a shallow clone; " ..
			"get the rest: git -C %s fetch --unshallow", repo, repo)
	end
	if try_git(repo, "merge-base", "--is-ancestor", bad, good) then
		fail("BAD=%s is older than GOOD=%s: exchange them, if a test fails in the newer one", s.vars.BAD, s.vars.GOOD)
	end
	local base = try_git(repo, "merge-base", good, bad)
	if not base then fail("GOOD=%s and BAD=%s have no common history", s.vars.GOOD, s.vars.BAD) end
	fail("GOOD=%s is not an ancestor of BAD=%s: give GOOD=%s, where their histories meet", s.vars.GOOD, s.vars.BAD,
		base:sub(1, 12))
end

-- --- the session ---

-- Returns the path in the clone of a folder of the user's: itself, if it is
-- outside of the repository.
local function in_clone(s, path)
	if path == s.repo then return s.clone end
	if path:sub(1, #s.repo + 1) ~= s.repo .. "/" then return path end
	return s.clone .. path:sub(#s.repo + 1)
end

-- The name of the session: the same variables give the same name.
local function session_name(vars)
	local list, hash = {}, 5381
	for name, value in pairs(vars) do list[#list + 1] = name .. "=" .. value end
	table.sort(list)
	for byte in table.concat(list, "\n"):gmatch(".") do hash = (hash * 33 + byte:byte()) & 0xffffffff end
	local subject = commit.words(vars.MODULE)[1] or vars.KERNEL_SRC or "?"
	return ("%s-%08x"):format(subject:match("([^/]*)/*$"), hash)
end

local function own(dir)
	run("mkdir", "-p", dir)
	local deadline = core.now() + END_TIMEOUT_S
	local ok, other = core.own(dir)
	while not ok and math.type(other) and core.now() < deadline do
		core.pause(0.1)
		ok, other = core.own(dir)
	end
	if ok then return end
	if math.type(other) then stop("process %d works on this session; %s", other, dir) end
	stop("%s", other)
end

-- Makes a repository that borrows the objects of the user's.
local function make_clone(s)
	local objects = git(s.repo, "rev-parse", "--path-format=absolute", "--git-path", "objects")
	local shallow = git(s.repo, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
	run("mkdir", "-p", s.clone)
	git(s.clone, "init", "-q", "--template=", "--object-format=" .. git(s.repo, "rev-parse", "--show-object-format"))
	write(s.clone .. "/.git/objects/info/alternates", objects .. "\n")
	if core.realpath(shallow) then run("cp", shallow, s.clone .. "/.git/shallow") end
end

-- Copies the tests, unless each commit is to be tested with its own
-- (TESTS_AT=).
local function copy_tests(s)
	local from = commit.tests_folder(s.kit, s.vars)
	if s.vars.TESTS_AT then
		s.tests = in_clone(s, from)
		if s.tests == from then fail("TESTS_AT=commit: the tests in %s are not in the repository %s", from, s.repo) end
		return
	end
	if not core.realpath(from) then fail("there is no folder %s; TESTS=FOLDER names the tests", from) end
	local names, reason = commit.choose(from, s.vars.T)
	if not names then fail("%s", reason) end
	s.tests = s.dir .. "/tests"
	run("cp", "-RL", from, s.tests)
end

-- Tells the user which modules of MODULE= are in another repository.
local function note_other_modules(s)
	for _, path in ipairs(commit.words(s.vars.MODULE)) do
		if in_clone(s, path) == path then
			say("bisect: %s is outside of %s, whose history is searched: every step uses it as it is now", path, s.repo)
		end
	end
end

local function note_local_changes(s)
	local changed = git(s.repo, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
	if changed == "" then return end
	say("bisect: %s has changes that are not committed: commits are tested without them", s.repo)
end

local function create(s)
	run("find", s.dir, "-mindepth", "1", "-not", "-name", ".owner", "-not", "-name", ".children", "-delete")
	s.repo = find_repository(s.vars)
	s.good, s.bad = resolve(s.repo, "GOOD", s.vars.GOOD), resolve(s.repo, "BAD", s.vars.BAD)
	check_ancestry(s)
	s.clone = ("%s/src/%s"):format(s.dir, s.repo:match("[^/]*$"))
	make_clone(s)
	copy_tests(s)
	note_other_modules(s)
	note_local_changes(s)
	write(s.dir .. "/session.json", core.to_json { vars = s.vars, repo = s.repo, good = s.good, bad = s.bad,
		clone = s.clone, tests = s.tests })
end

-- Returns the folder in which make builds a kernel tree (KSOURCE in
-- mk/kernel.mk).
local function kernel_folder(tree)
	local _, sum = core.command { "sh", "-c", "echo \"$1\" | cksum", "sh", tree }
	return ("%s/kernel/%s-%s"):format(core.home(), tree:match("[^/]*$"), sum:match("^%d+"))
end

-- Names of compilers', archivers' and linkers' outputs, and the stamp of a
-- module that is built. A program that is killed can leave half of an output,
-- which is newer than its sources: kbuild would take it.
local OUTPUTS = [[.*\(\.\(o\|a\|ko\|cmd\)\|/vmlinux[^/]*\|/built\)]]

-- An output that is half-written was written when the step was interrupted.
-- Outputs that are older than the newest one by more than this are complete.
local LAST_S = 60

-- Finds outputs that the interrupted step wrote, and gives find(1) further
-- arguments. Returns what find prints.
local function find_outputs(s, ...)
	local kernels = core.home() .. "/kernel"
	return select(2, core.command { "find", kernels, "(", "-path", "*" .. s.clone .. "/*",
		"-o", "-path", kernel_folder(s.clone) .. "/*", ")",
		"-newer", s.dir .. "/.step", "-regex", OUTPUTS, ... })
end

-- Removes outputs that can be half-written. Keeps the others, because the first
-- build of a kernel takes minutes.
local function remove_last_outputs(s)
	local last = 0
	for date in find_outputs(s, "-printf", "%Ts\n"):gmatch("%d+") do last = math.max(last, tonumber(date)) end
	find_outputs(s, "-newermt", ("@%d"):format(last - LAST_S), "-delete")
end

-- Makes git's part of the clone anew, because a git that is killed can leave
-- locks and half-written files. Keeps the index, which git replaces in one
-- move: with it, files that are the same keep their dates. Submodules are
-- cloned again.
local function renew_clone(s)
	local dir = s.clone .. "/.git"
	if core.realpath(dir .. "/modules") then
		run("find", s.clone, "-mindepth", "1", "-maxdepth", "1", "-not", "-name", ".git",
			"-exec", "rm", "-rf", "{}", "+")
	end
	run("find", dir, "-mindepth", "1", "-not", "-path", dir .. "/index", "-delete")
	make_clone(s)
end

-- Removes what a step that did not end can have left incomplete.
local function clean_up(s)
	renew_clone(s)
	remove_last_outputs(s)
end

-- Returns the session of these variables: a new one, or one that was
-- interrupted.
function session.open(args)
	local vars, kit = commit.variables(args), commit.kit()
	if vars.TESTS_AT and vars.TESTS_AT ~= "commit" then fail("TESTS_AT=%s: expected commit", vars.TESTS_AT) end
	local s = {
		vars = vars, kit = kit, dir = ("%s/bisect/%s"):format(core.home(), session_name(vars)),
		rounds = tonumber(vars.CLONES or 1), steps = {}, by_commit = {},
	}
	own(s.dir)
	local saved = read_json(s.dir .. "/session.json")
	if not saved or core.realpath(s.dir .. "/summary.json") then
		create(s)
	else
		for name, value in pairs(saved) do s[name] = value end
		clean_up(s)
	end
	return s
end

-- The session's variables, with the clone in place of the user's repository.
function session.step_variables(s)
	local vars = {}
	for name, value in pairs(s.vars) do vars[name] = value end
	for _, name in ipairs { "MODULE", "KERNEL_SRC" } do
		local paths = commit.words(vars[name])
		for i, path in ipairs(paths) do paths[i] = in_clone(s, path) end
		if vars[name] then vars[name] = table.concat(paths, " ") end
	end
	return vars
end

function session.describe(s, sha) return git(s.clone, "show", "-s", "--format=%h %s", sha) end

return session
