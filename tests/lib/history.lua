-- SPDX-License-Identifier: GPL-2.0-only
-- A git repository with a history of commits, for tests of bisections.

local runner = require "runner"

local history = {}

local function data(text) return ("data %d\n%s\n"):format(#text, text) end

-- Adds nr commits to the branch main of the repository DIR, and checks nothing
-- out. files(n) returns the changed files of the n-th as { path = text }. The
-- n-th commit has the tag vN, and its date is N minutes after a fixed one.
function history.add(dir, nr, files)
	local stream = {}
	local function add(...) stream[#stream + 1] = table.concat { ... } end
	local parent = history.git(dir, "rev-parse -q --verify main || true")
	for n = 1, nr do
		add(("commit refs/heads/main\nmark :%d\n"):format(n))
		add(("author Ann Author <ann@example.org> %d +0000\n"):format(1700000000 + n * 60))
		add(("committer Carl Committer <carl@example.org> %d +0000\n"):format(1700000000 + n * 60))
		add(data(("tally: version %d\n"):format(n)))
		if parent ~= "" then add(("from %s\n"):format(parent)) end
		for path, text in pairs(files(n)) do add("M 100644 inline ", path, "\n", data(text)) end
		parent = ":" .. n
		add(("reset refs/tags/v%d\nfrom :%d\n\n"):format(n, n))
	end
	runner.write(dir .. "/.git/history", table.concat(stream))
	history.git(dir, "fast-import --quiet <.git/history")
end

-- Makes the repository DIR with nr commits, as history.add() does.
function history.make(dir, nr, files)
	runner.shell("git init -q -b main " .. runner.quote(dir))
	history.add(dir, nr, files)
	history.git(dir, "checkout -q main")
	return dir
end

-- Runs git in a folder, which must succeed. Returns its output.
function history.git(dir, arguments)
	local said = runner.shell(("cd %s && git -c user.name=Ann -c user.email=ann@example.org %s 2>&1; echo $?")
		:format(runner.quote(dir), arguments))
	local output, status = said:match("^(.-)\n?(%d+)$")
	assert(status == "0", ("git %s: %s"):format(arguments, output))
	return output
end

-- Returns everything of a repository that a user could miss: status, branches,
-- stash, worktrees, a bisection, and the names and dates of the files of .git.
function history.state(dir)
	return runner.shell(([[cd %s && export GIT_OPTIONAL_LOCKS=0 && git status && git show-ref && git stash list &&
		git worktree list && ls .git && cat .git/BISECT_LOG 2>/dev/null; stat -c '%%n %%Y %%s' .git/index .git/config;
		git fsck 2>&1]]):format(runner.quote(dir)))
end

return history
