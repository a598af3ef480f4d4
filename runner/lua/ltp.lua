-- SPDX-License-Identifier: GPL-2.0-only
-- Reads the results of LTP's test programs (include/tst_res_flags.h and
-- lib/tst_test.c in LTP's sources).

local errors = require "provium.errors"

local VERDICT = errors.VERDICT

local ltp = {}

local MAX_RESULTS = 20000	-- most results of one program; later ones are not read
local MAX_LINE_BYTES = 4096	-- most bytes of a line; the rest of the line is left out

local WORDS = { TPASS = VERDICT.ok, TFAIL = VERDICT.fail, TBROK = VERDICT.broken, TCONF = VERDICT.skip,
	TWARN = VERDICT.fail }
-- A program's exit status is the sum of these bits.
local TFAIL, TBROK, TWARN, TCONF = 1, 2, 4, 32

local COLORS = "\27%[[%d;]*m"

-- Returns the result for a line of output, or nil. The new library prints
-- "open01.c:59: TPASS: text", the old one "open01      1  TPASS  :  text".
local function parse(line)
	line = line:gsub(COLORS, "")
	local name, word, text = line:match "^(%S+:%d+): (T%u+): (.*)$"
	if not name then
		local number
		name, number, word, text = line:match "^(%S+)%s+(%d+)%s+(T%u+)%s*:%s*(.*)$"
		name = name and ("%s %s"):format(name, number)
	end
	if not name or not WORDS[word] then return nil end
	return { name = ("%s: %s"):format(name, text), verdict = WORDS[word],
		message = WORDS[word] ~= VERDICT.ok and ("%s: %s"):format(word, text) or nil }
end

-- Returns the problem that the exit status tells and no result shows, or nil.
local function status_problem(code, seen)
	for bit, verdict in pairs { [TFAIL] = VERDICT.fail, [TBROK] = VERDICT.broken, [TWARN] = VERDICT.fail } do
		if code & bit ~= 0 and not seen[verdict] then
			return ("exit status %d, which means a failure, but no result says so"):format(code)
		end
	end
	if code & TCONF ~= 0 and next(seen) and not seen[VERDICT.skip] then
		return ("exit status %d, which means that a part was skipped, but no result says so"):format(code)
	end
	if code & ~(TFAIL | TBROK | TWARN | TCONF) ~= 0 then return ("exit status %d"):format(code) end
end

local KEYS = { [VERDICT.ok] = "passed", [VERDICT.skip] = "skipped", [VERDICT.fail] = "failed",
	[VERDICT.broken] = "failed" }
-- The lines of the summary, and their verdicts.
local SUMMARY = { failed = VERDICT.fail, broken = VERDICT.broken }

local Parser = {}
Parser.__index = Parser

-- Returns a parser: give it lines with take(), then call judge(). It adds each
-- result to its list fresh, as that of ktap.new() does.
function ltp.new()
	return setmetatable({ results = {}, fresh = {}, nr_results = 0, counts = {}, summary = {} }, Parser)
end

-- Takes one line of output without its newline.
function Parser:take(line)
	line = line:sub(1, MAX_LINE_BYTES)
	local result = parse(line)
	if not result then
		local word, n = line:match "^(%l+)%s+(%d+)%s*$"
		if SUMMARY[word] then self.summary[word] = tonumber(n:sub(1, 9)) end
		return
	end
	self.nr_results = self.nr_results + 1
	self.counts[result.verdict] = (self.counts[result.verdict] or 0) + 1
	if self.nr_results > MAX_RESULTS then return end
	self.results[self.nr_results] = result
	self.fresh[#self.fresh + 1] = { result = result, path = result.name }
end

-- Returns the problem of the output as a whole, or nil.
local function output_problem(self)
	if self.nr_results > MAX_RESULTS then
		return ("more than %d results; the later ones were not read"):format(MAX_RESULTS)
	end
	for word, verdict in pairs(SUMMARY) do
		local n, seen = self.summary[word] or 0, self.counts[verdict] or 0
		if n > seen then return ("the summary says %s %s, and %d results say so"):format(n, word, seen) end
	end
end

-- Returns what Parser:judge() of ktap.lua does. ended: see there.
function Parser:judge(ended)
	local out = { results = self.results, passed = 0, failed = 0, skipped = 0 }
	if ended.reason then
		out.running = { name = "(the next result)", verdict = VERDICT.fail, message = ended.reason }
		out.results[#out.results + 1] = out.running
	end
	for _, result in ipairs(out.results) do
		local key = KEYS[result.verdict]
		out[key] = out[key] + 1
	end
	out.message = ended.reason or output_problem(self) or status_problem(ended.exit_code, self.counts)
	if not out.message and #out.results == 0 and ended.exit_code == 0 then
		out.message = "the program printed no result"
	elseif not out.message and out.passed + out.failed == 0 then
		out.skip = out.results[1] and out.results[1].message or "exit status 32 (TCONF)"
	end
	return out
end

return ltp
