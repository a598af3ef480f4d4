-- SPDX-License-Identifier: GPL-2.0-only
-- Reads KTAP and TAP (Documentation/dev-tools/ktap.rst in the kernel's sources;
-- testanything.org), and judges the results by the plan and the end of the
-- program that printed them.

local errors = require "provium.errors"

local VERDICT = errors.VERDICT

local ktap = {}

local MAX_RESULTS = 20000	-- most results of one program; later ones are not read
local MAX_LINE_BYTES = 4096	-- most bytes of a line; the rest of the line is left out
local MAX_DIAGNOSTICS = 100	-- most lines that are kept for one result
local MAX_DEPTH = 16		-- most levels; deeper results belong to the last one
local MAX_PLAN = 1000000000
local MAX_MISSING = 100		-- most results that did not come and are listed

-- A level of nesting. indent: its indentation; results: those so far; plan: the
-- number of results that the program announced, or nil; problem: what was wrong
-- with an earlier plan, or nil; diagnostics: the lines since the last result;
-- name: that of the result whose results these are, as "# Subtest: name" tells,
-- or nil; open: a level of results that are nested in the next result, or nil.
local function new_level(indent)
	return { indent = indent, results = {}, diagnostics = {} }
end

-- The words that can follow "#" after a name, and the verdict of a result with
-- that word, if it is "ok" and if it is "not ok".
local DIRECTIVES = {
	SKIP = { VERDICT.skip, VERDICT.skip }, TODO = { VERDICT.todo, VERDICT.todo },
	XFAIL = { VERDICT.skip, VERDICT.skip }, TIMEOUT = { VERDICT.fail, VERDICT.fail },
	ERROR = { VERDICT.fail, VERDICT.fail },
}

-- Splits the text after "ok 3" into name, directive and the directive's text. A
-- "#" with a backslash before it belongs to the name.
local function split_name(text)
	local from = 1
	while true do
		local at = text:find("#", from, true)
		if not at then return text end
		local word, rest = text:match("^#%s*(%a+)%s*(.*)$", at)
		local before = text:sub(at - 1, at - 1)
		if before ~= "\\" and word and DIRECTIVES[word:upper()] and (at == 1 or before:find "%s") then
			return text:sub(1, at - 1), word:upper(), rest
		end
		from = at + 1
	end
end

-- Returns the result for the line "ok 3 - name # SKIP reason" without its
-- indentation; nil if the line is none.
local function parse_result(line)
	local word, rest = line:match "^(ok)%f[%s\0](.*)$"
	if not word then word, rest = line:match "^(not ok)%f[%s\0](.*)$" end
	if not word then return nil end
	local number, text = rest:match "^%s+(%d+)%f[%s\0](.*)$"
	local name, directive, reason = split_name(((text or rest):gsub("^%s*%-?%s*", "")))
	name = (name:match "^.*%S" or ""):gsub("\\#", "#")
	local verdict = word == "ok" and VERDICT.ok or VERDICT.fail
	if directive then verdict = DIRECTIVES[directive][word == "ok" and 1 or 2] end
	return { name = name ~= "" and name or number or "(no name)", verdict = verdict,
		message = directive and (reason ~= "" and reason:gsub("^:%s*", "") or directive) or nil }
end

local Parser = {}
Parser.__index = Parser

-- Returns a parser: give it lines with take(), then call judge(). It adds each
-- result to its list fresh as { result =, path = its name after those of the
-- results it is in, as far as these are known }.
function ktap.new()
	return setmetatable({ levels = { new_level(0) }, nr_results = 0, fresh = {} }, Parser)
end

local function top(self) return self.levels[#self.levels] end

local function note(level, line)
	if #level.diagnostics < MAX_DIAGNOSTICS then level.diagnostics[#level.diagnostics + 1] = line end
end

-- Adds the number of results that a plan announces. Programs that a script runs
-- one after the other have one plan each.
local function add_plan(level, n)
	local nr, planned = #level.results, level.plan or 0
	if level.plan and nr ~= planned and nr ~= planned + n then
		level.problem = ("planned %d results, got %d before the next plan"):format(planned, nr)
	end
	level.plan = planned + n
end

-- Checks that a level has as many results as its plan says. Returns a message,
-- or nil.
local function plan_problem(level)
	if level.problem then return level.problem end
	if level.plan and level.plan ~= #level.results then
		return ("planned %d result%s, got %d"):format(level.plan, level.plan == 1 and "" or "s", #level.results)
	end
end

local function is_failure(result) return result.verdict == VERDICT.fail end

local function any_failed(results)
	for _, result in ipairs(results) do
		if is_failure(result) then return true end
	end
	return false
end

-- Returns the name of a result of that level after those of the results that it
-- is in: "OUTER/INNER/NAME".
local function path_of(self, level, result)
	local path = result.name
	for i = #self.levels, 2, -1 do
		local outer = self.levels[i]
		if outer.indent <= level.indent and outer.name then path = outer.name .. "/" .. path end
	end
	return path
end

-- Adds a result to the level, with the results of the level that was nested in
-- it. A result that says ok although a nested one failed is a failure.
local function add_result(self, level, result)
	local nested = level.open
	if nested then
		result.results = nested.results
		local problem = plan_problem(nested)
		if result.verdict == VERDICT.ok and (problem or any_failed(nested.results)) then
			result.verdict = VERDICT.fail
			result.message = problem or "a result in it is \"not ok\", but the line says ok"
		end
		level.open = nil
	end
	if is_failure(result) and not result.message and #level.diagnostics > 0 then
		result.message = table.concat(level.diagnostics, "\n")
	end
	level.diagnostics = {}
	level.results[#level.results + 1] = result
	self.nr_results = self.nr_results + 1
	self.fresh[#self.fresh + 1] = { result = result, path = path_of(self, level, result) }
end

-- If results are nested in a result that the program never printed, adds that
-- result. message: why it is missing, or nil.
local function add_unnamed(self, level, message)
	local nested = level.open
	if not nested then return end
	message = message or plan_problem(nested) or "the program printed no result for the results in it"
	add_result(self, level, { name = nested.name or "(nested results)", verdict = VERDICT.fail, message = message })
end

-- Ends the innermost level. The results in it become nested results of the next
-- result of the level around it.
local function close_level(self)
	local level = table.remove(self.levels)
	add_unnamed(self, level)
	if #level.results == 0 and not level.plan then return end
	add_unnamed(self, top(self))
	top(self).open = level
end

-- Returns the level of a line with that indentation: an open one, or a new one.
local function level_at(self, indent)
	while #self.levels > 1 and top(self).indent > indent do close_level(self) end
	if indent > top(self).indent and #self.levels < MAX_DEPTH then
		self.levels[#self.levels + 1] = new_level(indent)
	end
	return top(self)
end

-- Returns the level that begins with a line of that indentation: a version, or
-- "# Subtest: name".
local function begin_level(self, indent)
	local level = level_at(self, indent)
	if #self.levels == 1 or not level.plan and #level.results == 0 then return level end
	close_level(self)
	return level_at(self, indent)
end

-- Old forms of KTAP mark nested lines with "# " instead of blanks, as in
-- "# ok 1 name"; but kselftest's runner marks its own outermost level so, too.
local function strip_comment(line)
	local depth, rest = 0, line
	while depth < MAX_DEPTH and rest:find "^# " and
			(rest:find "^#[# ]* not ok " or rest:find "^#[# ]* ok %d" or
			rest:find "^#[# ]* %d+%.%.%d" or rest:find "^#[# ]* K?TAP version") do
		depth, rest = depth + 1, rest:sub(3)
	end
	return ("  "):rep(depth) .. rest
end

-- Takes a line "1..N # SKIP reason" without its indentation. Returns false if
-- the line is none.
local function take_plan(self, text, indent)
	local first, last, rest = text:match "^(%d+)%.%.(%d+)(.*)$"
	if first ~= "1" and first ~= "0" then return false end
	local level = level_at(self, indent)
	local _, directive, reason = split_name(rest)
	if directive == "SKIP" then
		level.skip, level.plan = reason ~= "" and reason or "the plan says SKIP", level.plan or 0
	end
	local n = math.min(tonumber(last), MAX_PLAN)
	if directive ~= "SKIP" or n > 0 then add_plan(level, math.tointeger(n)) end
	return true
end

-- Takes a line that is neither a version nor a plan nor a result.
local function take_diagnostic(self, text, indent)
	if text:find "^Bail out!" then
		self.bail_out = text
	elseif text:find "^# Subtest: " then
		begin_level(self, indent).name = text:match "^# Subtest:%s*(%S.*)$"
	elseif text ~= "" then
		note(top(self), (text:gsub("^#%s?", "")))
	end
end

-- Takes one line of output without its newline.
function Parser:take(line)
	line = strip_comment(line:sub(1, MAX_LINE_BYTES):gsub("\r$", ""))
	local blanks, text = line:match "^(%s*)(.*)$"
	local indent = #(blanks:gsub("\t", "        "))
	if text:find "^K?TAP version %d+" then
		begin_level(self, indent).has_version = true
		return
	end
	if take_plan(self, text, indent) then return end
	local result = parse_result(text)
	if not result then
		take_diagnostic(self, text, indent)
	elseif self.nr_results < MAX_RESULTS then
		add_result(self, level_at(self, indent), result)
	else
		self.has_more = true
	end
end

-- --- judging the results when the program has ended ---

-- Calls fn(result, path) for each result that has no results in it, and for
-- each failure that none in it explains. Returns true if a result failed.
local function each_leaf(results, fn, path)
	local failed = false
	for _, result in ipairs(results) do
		local name = path and path .. "/" .. result.name or result.name
		local has_results = result.results and #result.results > 0
		local inner_failed = has_results and each_leaf(result.results, fn, name)
		local own = result.verdict == VERDICT.fail or result.verdict == VERDICT.broken
		if not has_results or own and not inner_failed then fn(result, name) end
		failed = failed or inner_failed or own
	end
	return failed
end

-- Adds a result for each one that a plan announced and the program did not
-- print. reason: why; is_running: the first of them was running. Returns that
-- one, or nil.
local function add_missing(level, reason, is_running)
	local first = #level.results + 1
	local function add(name, message)
		local missing = { name = name, verdict = VERDICT.fail, message = message }
		level.results[#level.results + 1] = missing
		return missing
	end
	if not level.plan then return is_running and add("(the next result)", reason) or nil end
	if first > level.plan then return nil end
	local last = math.min(level.plan, first + MAX_MISSING - 1)
	for i = first, last do
		add(("result %d"):format(i), i == first and is_running and reason or "not run: " .. reason)
	end
	if last < level.plan then
		add(("results %d to %d"):format(last + 1, level.plan), "not run: " .. reason)
	end
	return is_running and level.results[first] or nil
end

-- Ends all levels of a program that did not end by itself. The next result of
-- the innermost level was running then, or else the result in which the
-- innermost results are nested.
local function end_levels(self, reason)
	for i = #self.levels, 1, -1 do
		local level = self.levels[i]
		if level.open then
			add_unnamed(self, level, reason)
			self.running = self.running or level.results[#level.results]
		end
		self.running = add_missing(level, reason, not self.running) or self.running
		if i > 1 then
			table.remove(self.levels)
			local below = self.levels[i - 1]
			add_unnamed(self, below)
			level.name = level.name or ("result %d"):format(#below.results + 1)
			below.open = level
		end
	end
end

-- A program can indent all that it prints: then the outermost level is the one
-- with results.
local function drop_empty_level(self)
	local level = self.levels[1]
	if level.plan or level.has_version or #level.results > 0 then return end
	if level.open and not level.open.name and #self.levels == 1 then
		self.levels[1] = level.open
	elseif not level.open and #self.levels > 1 and not self.levels[2].name then
		table.remove(self.levels, 1)
	end
end

-- Counts the results that have no results nested in them, in out.passed,
-- out.failed and out.skipped.
function ktap.count(out)
	out.passed, out.failed, out.skipped = 0, 0, 0
	each_leaf(out.results, function(result)
		local key = is_failure(result) and "failed" or result.verdict == VERDICT.ok and "passed" or "skipped"
		out[key] = out[key] + 1
	end)
end

-- Returns the problem of a program that ended by itself with that status, or
-- nil; then the reason why all is skipped, or nil.
local function problem_of(self, level, code)
	if self.has_more then return ("more than %d results; the later ones were not read"):format(MAX_RESULTS) end
	if code == ktap.EXIT_SKIP then
		return nil, level.skip or "the program ended with exit status 4, which means skip"
	end
	if plan_problem(level) then return plan_problem(level) end
	if level.skip and code == 0 then return nil, level.skip end
	if code == 0 or any_failed(level.results) then return nil end
	if #level.results == 0 then return ("no results; exit status %d"):format(code) end
	return ("exit status %d, although no result is \"not ok\" (%d results)"):format(code, self.nr_results)
end

-- Ends the parser. ended: how the program ended: { exit_code =, or reason =
-- "timed out …" if it did not end by itself }. Returns { results =, message =
-- the problem as a whole, or nil; skip = the reason if all is skipped; passed
-- =, failed =, skipped = numbers of results without nested ones; running = the
-- result that was running when the program was ended, or nil }.
function Parser:judge(ended)
	local reason = ended.reason or self.bail_out
	while not reason and #self.levels > 1 do close_level(self) end
	drop_empty_level(self)
	if reason then end_levels(self, reason) end
	local level = self.levels[1]
	add_unnamed(self, level)
	local out = { results = level.results, message = reason, running = self.running }
	ktap.count(out)
	if not reason then out.message, out.skip = problem_of(self, level, ended.exit_code) end
	return out
end

ktap.EXIT_SKIP = 4	-- KSFT_SKIP, tools/testing/selftests/kselftest.h
ktap.each_leaf = each_leaf

return ktap
