-- SPDX-License-Identifier: GPL-2.0-only
-- Reads KTAP and TAP (Documentation/dev-tools/ktap.rst in the kernel's sources;
-- testanything.org), and judges the results by the plan and the end of the
-- program that printed them.

local errors = require "provium.errors"

local VERDICT = errors.VERDICT

local ktap = {}

local MAX_RESULTS = 20000	-- most results of one program; later lines are not read
local MAX_LINE_BYTES = 4096	-- most bytes of a line; the rest of the line is left out
local MAX_DIAGNOSTICS = 100	-- most lines that are kept for one result

-- A level of nesting: its indentation; its results so far; plan, the number of
-- results that the program announced, or nil; diagnostics, the lines since the
-- last result.
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
	name = name:gsub("%s+$", ""):gsub("\\#", "#")
	local verdict = word == "ok" and VERDICT.ok or VERDICT.fail
	if directive then verdict = DIRECTIVES[directive][word == "ok" and 1 or 2] end
	return { name = name ~= "" and name or number or "(no name)", verdict = verdict,
		message = directive and (reason ~= "" and reason:gsub("^:%s*", "") or directive) or nil }
end

local Parser = {}
Parser.__index = Parser

-- Returns a parser: give it lines with take(), then call judge().
function ktap.new()
	return setmetatable({ levels = { new_level(0) }, nr_results = 0 }, Parser)
end

local function top(self) return self.levels[#self.levels] end

-- Ends the levels that are indented more than that. Their results become those
-- of the next result of the level below; `open` keeps them until then.
local function close_levels(self, indent)
	while #self.levels > 1 and top(self).indent > indent do
		local level = table.remove(self.levels)
		local below = top(self)
		if #level.results > 0 or level.plan then below.open = level end
	end
end

local function note(level, line)
	if #level.diagnostics < MAX_DIAGNOSTICS then level.diagnostics[#level.diagnostics + 1] = line end
end

-- Checks that a level has as many results as its plan says. Returns a message,
-- or nil.
local function plan_problem(level)
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
end

-- Returns the level of a line with that indentation: an open one, or a new one.
local function level_at(self, indent)
	close_levels(self, indent)
	if indent > top(self).indent then self.levels[#self.levels + 1] = new_level(indent) end
	return top(self)
end

-- Old forms of KTAP mark nested lines with "# " instead of blanks, as in
-- "# ok 1 name"; but kselftest's runner marks its own outermost level so, too.
local function strip_comment(line)
	local depth, rest = 0, line
	while rest:find "^# " and (rest:find "^#[# ]* not ok " or rest:find "^#[# ]* ok %d" or
			rest:find "^#[# ]* %d+%.%.%d" or rest:find "^#[# ]* K?TAP version") do
		depth, rest = depth + 1, rest:sub(3)
	end
	return ("  "):rep(depth) .. rest
end

-- Takes one line of output without its newline.
function Parser:take(line)
	line = strip_comment(line:sub(1, MAX_LINE_BYTES):gsub("\r$", ""))
	local blanks, text = line:match "^(%s*)(.*)$"
	local indent = #(blanks:gsub("\t", "        "))
	if text:find "^K?TAP version %d+" then
		level_at(self, indent).version = true
		return
	end
	local first, last, rest = text:match "^(%d+)%.%.(%d+)(.*)$"
	if first == "1" or first == "0" then
		local level = level_at(self, indent)
		level.plan = math.tointeger(tonumber(last))
		local _, directive, reason = split_name(rest)
		if directive == "SKIP" then level.skip = reason ~= "" and reason or "the plan says SKIP" end
		return
	end
	local result = self.nr_results < MAX_RESULTS and parse_result(text)
	if result then
		add_result(self, level_at(self, indent), result)
	elseif text:find "^Bail out!" then
		self.bail_out = text
	elseif text ~= "" then
		note(top(self), (text:gsub("^#%s?", "")))
	end
end

-- --- the verdict ---

-- Calls fn(result, path) for each result that has no results in it.
local function each_leaf(results, fn, path)
	for _, result in ipairs(results) do
		local name = path and path .. "/" .. result.name or result.name
		if result.results and #result.results > 0 then
			each_leaf(result.results, fn, name)
		else
			fn(result, name)
		end
	end
end

-- Makes the results that a plan announced and that never came: the first of
-- them was running when the program ended.
local function add_missing(level, reason)
	if not level.plan then
		local missing = { name = "(the next result)", verdict = VERDICT.fail, message = reason }
		level.results[#level.results + 1] = missing
		return
	end
	local first = #level.results + 1
	for i = first, math.min(level.plan, MAX_RESULTS) do
		level.results[i] = { name = ("result %d"):format(i), verdict = VERDICT.fail,
			message = i == first and reason or "not run: " .. reason }
	end
end

-- Counts out.results without nested ones, in out.passed, failed and skipped.
function ktap.count(out)
	each_leaf(out.results, function(result)
		local key = is_failure(result) and "failed" or result.verdict == VERDICT.ok and "passed" or "skipped"
		out[key] = out[key] + 1
	end)
end

-- Ends the parser. ended: how the program ended: { exit_code =, or reason =
-- "timed out …" if it did not end by itself }. Returns { results =, message =
-- the problem as a whole, or nil; skip = the reason if all is skipped; passed
-- =, failed =, skipped = numbers of results without nested ones }.
function Parser:judge(ended)
	close_levels(self, 0)
	local level = self.levels[1]
	if level.open then
		-- The program ended within a nested level, or never named it.
		add_result(self, level, { name = "(nested results)", verdict = VERDICT.ok })
	end
	local out = { results = level.results, passed = 0, failed = 0, skipped = 0 }
	local reason = ended.reason or self.bail_out
	if reason and (not level.plan or #level.results < level.plan) then add_missing(level, reason) end
	ktap.count(out)
	local code = ended.exit_code
	if reason then
		out.message = reason
	elseif level.skip or code == ktap.EXIT_SKIP then
		out.skip = level.skip or "the program ended with exit status 4, which means skip"
	elseif plan_problem(level) then
		out.message = plan_problem(level)
	elseif #level.results == 0 then
		out.message = code ~= 0 and ("no results; exit status %d"):format(code) or nil
	elseif code ~= 0 and not any_failed(level.results) then
		out.message = ("exit status %d, although no result is \"not ok\" (%d results)"):format(code, self.nr_results)
	end
	return out
end

ktap.EXIT_SKIP = 4	-- KSFT_SKIP, tools/testing/selftests/kselftest.h
ktap.each_leaf = each_leaf

return ktap
