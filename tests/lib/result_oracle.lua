-- SPDX-License-Identifier: GPL-2.0-only
-- What must hold for the results that are read from any bytes at all. The
-- corpus's test (tests/harness/result_corpus.lua) and the fuzz targets ktap,
-- ltp and kunit call it.

local ktap = require "provium.ktap"
local kunit = require "provium.kunit"
local ltp = require "provium.ltp"
local record = require "provium.record"
local results = require "provium.results"
local session = require "provium.session"

local oracle = {}

local VERDICTS = { ok = true, FAIL = true, BROKEN = true, skip = true, todo = true }
local DIRECTIVE = "#%s*[STX][KOF][IDA][POI]"	-- of SKIP, TODO, XFAIL

local function lines_of(text)
	local list = {}
	for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
	return list
end

-- For each parser: read(text, ended) returns what Parser:judge() does;
-- lines(text) the lines that are read; ok and not_ok are patterns of the lines
-- that tell of a pass and of a failure; code has the parser's functions.
oracle.parsers = {
	ktap = {
		read = function(text, ended) return results.read(ktap.new(), text, ended) end,
		lines = lines_of, ok = "^[%s#]*ok%f[%s\0]", not_ok = "^%s*not ok%f[%s\0]",
		code = ktap.new,
	},
	ltp = {
		read = function(text, ended) return results.read(ltp.new(), text, ended) end,
		-- A line with TBROK tells of a failure, too.
		lines = function(text) return lines_of((text:gsub("TBROK: ", "TFAIL: "))) end,
		ok = "TPASS", not_ok = "^%S+:%d+: TFAIL: ",
		code = ltp.new,
	},
	kunit = {
		read = function(text, ended)
			return results.read(ktap.new(), table.concat(kunit.lines(text), "\n"), ended)
		end,
		lines = kunit.lines, ok = "^[%s#]*ok%f[%s\0]", not_ok = "^%s*not ok%f[%s\0]",
		code = kunit.lines,
	},
}

-- Returns how many lines tell of a pass, and how many of a failure.
local function count_lines(parser, text)
	local nr_ok, nr_not_ok = 0, 0
	for _, line in ipairs(parser.lines(text)) do
		if line:find(parser.ok) then nr_ok = nr_ok + 1 end
		if line:find(parser.not_ok) and not line:upper():find(DIRECTIVE) then nr_not_ok = nr_not_ok + 1 end
	end
	return nr_ok, nr_not_ok
end

local function check_results(list)
	for _, result in ipairs(list) do
		assert(VERDICTS[result.verdict], "a result has a verdict")
		assert(type(result.name) == "string" and result.name ~= "", "a result has a name")
		if result.results then check_results(result.results) end
	end
end

local function check_counts(parser, text, out)
	local nr_ok, nr_not_ok = count_lines(parser, text)
	if out.passed > nr_ok then error(("%d results passed; %d lines say so"):format(out.passed, nr_ok)) end
	if nr_not_ok > 0 and out.failed == 0 and not out.message then
		error(("%d lines tell of a failure; none was taken for one"):format(nr_not_ok))
	end
end

-- Returns the event that a test file with this test would send to the runner.
local function event_of(item)
	local tell, event = session.tell, nil
	session.tell = function(json) event = json end
	record.tell("test", item)
	session.tell = tell
	return event
end

-- Reads the text as the output of a program that timed out, of one that failed
-- and of one that ended well. Raises an error if the results do not fit the
-- text. Returns what Parser:judge() does for the last program, and the event
-- with its results that a test sends to the runner.
function oracle.check(name, text)
	local parser = oracle.parsers[name]
	local late = parser.read(text, { reason = "timed out" })
	assert(late.message, "a program that timed out has not passed")
	check_results(late.results)
	check_counts(parser, text, late)
	local status = #text % 63 + 1
	local bad = parser.read(text, { exit_code = status })
	local is_partly_skipped = name == "ltp" and status == 32 and bad.skipped > 0
	assert(bad.message or bad.failed > 0 or bad.skip or is_partly_skipped,
		"a program with another exit status than 0 has not passed")
	check_counts(parser, text, bad)
	local out = parser.read(text, { exit_code = 0 })
	check_results(out.results)
	check_counts(parser, text, out)
	return out, event_of { name = "fuzz", verdict = "FAIL", message = out.message, results = out.results }
end

-- Adds the lines with code of a value's functions to the set, also those of the
-- functions that these use.
local function add_lines(value, set, seen)
	if seen[value] then return end
	if type(value) == "table" then
		seen[value] = true
		for _, item in pairs(value) do add_lines(item, set, seen) end
	elseif type(value) == "function" then
		seen[value] = true
		local info = debug.getinfo(value, "SL")
		if info.what == "C" then return end
		for line in pairs(info.activelines) do
			-- The line of an "end" after a return is never run.
			local is_end = line == info.lastlinedefined
			set[info.source .. ":" .. line] = (not is_end or line == info.linedefined) or nil
		end
		for i = 1, debug.getinfo(value, "u").nups do
			local name, upvalue = debug.getupvalue(value, i)
			if name ~= "_ENV" then add_lines(upvalue, set, seen) end
		end
	end
end

-- Returns the lines with code of a parser as a set of "SOURCE:LINE".
function oracle.code_lines(name)
	local set = {}
	add_lines(oracle.parsers[name].code, set, {})
	for line in pairs(set) do
		if not line:find("^=provium/" .. name .. ":") then set[line] = nil end
	end
	return set
end

return oracle
