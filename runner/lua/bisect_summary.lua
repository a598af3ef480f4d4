-- SPDX-License-Identifier: GPL-2.0-only
-- The result of provium bisect, as text and as JSON.

local core = require "provium.core"
local commit = require "provium.commit"
local options = require "provium.options"
local quote = require "provium.quote"
local session = require "provium.bisect_session"

local git, describe = session.git, session.describe

local summary = {}

-- Quotes the text for the shell if it must be.
local function word(text) return text:find("[^%w/._=-]") and quote(text) or text end

-- Returns the command that tests the commit again.
local function repeat_command(s, sha)
	local words = { ("git -C %s checkout -q -f %s && %s check"):format(word(s.clone), sha:sub(1, 12),
		word(commit.RUNNER)) }
	local vars = session.step_variables(s)
	vars.GOOD, vars.BAD, vars.TESTS_AT, vars.TESTS = nil, nil, nil, s.tests
	for _, name in ipairs(options.keys(vars)) do words[#words + 1] = word(("%s=%s"):format(name, vars[name])) end
	return table.concat(words, " ")
end

-- Returns the facts about the commit that was found.
local function facts_of(s, sha)
	local step = s.by_commit[sha]
	local author, date, subject, parents =
		git(s.clone, "show", "-s", "--format=%an <%ae>%n%ad%n%s%n%P", sha):match("^(.-)\n(.-)\n(.-)\n(.*)$")
	return {
		commit = sha, author = author, date = date, subject = subject, is_merge = parents:find(" ") ~= nil,
		title = step.reason, report = session.read(("%s/%s/tests.log"):format(s.dir, step.dir)), dir = step.dir,
		["repeat"] = repeat_command(s, sha),
	}
end

local function add_first_bad(add, found)
	add("The first bad commit is %s%s", found.commit, found.is_merge and ", a merge" or "")
	add("  author:  %s", found.author)
	add("  date:    %s", found.date)
	add("  subject: %s", found.subject)
	add("  fails:   %s", found.title)
	add("%s", (found.report:gsub("\n$", ""):gsub("%f[^\n\0]", "  | ")))
	add("  repeat:  %s", found["repeat"])
end

local function add_possible(add, s, possible)
	add("The first bad commit is one of these; the others of them cannot be tested:")
	for _, sha in ipairs(possible) do
		local step = s.by_commit[sha]
		add("  %s%s", describe(s, sha), step and ("\n       %s"):format(commit.line(step)) or "")
	end
end

-- Prints the result and writes it to the session's folder. found: the commit;
-- or nil, and possible is a list of commits. Returns the exit status.
function summary.finish(s, found, possible)
	local lines = {}
	local data = {
		good = s.good, bad = s.bad, repository = s.repo, variables = s.vars, steps = s.steps,
		first_bad = found and facts_of(s, found), possible = possible,
	}
	local function add(fmt, ...) lines[#lines + 1] = fmt:format(...) end
	if found then add_first_bad(add, data.first_bad) else add_possible(add, s, possible) end
	for _, step in ipairs(s.steps) do
		if step.flaky then add("A test is flaky: at %s, %s", describe(s, step.commit), step.flaky) end
	end
	add("%d steps, %.0f s; logs and reports: %s", #s.steps, core.now() - s.start, s.dir)
	local text = table.concat(lines, "\n") .. "\n"
	session.write(s.dir .. "/summary.txt", text)
	session.write(s.dir .. "/summary.json", core.to_json(data))
	io.stdout:write(text)
	return found and 0 or 1
end

return summary
