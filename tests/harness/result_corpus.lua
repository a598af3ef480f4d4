-- SPDX-License-Identifier: GPL-2.0-only
-- The parsers of KTAP, LTP's output and KUnit's results, on the corpus of their
-- fuzz targets: well-formed and broken output, whole and cut.

local core = require "provium.core"
local oracle = require "result_oracle"
local runner = require "runner"
local session = require "provium.session"

local CORPUS = runner.shell("realpath " .. runner.quote(runner.canned .. "/../../fuzz/corpus"))

-- What each file of the corpus gives as the output of a program with exit
-- status 0: the numbers of results passed, failed and skipped, and the message,
-- or the reason for which the whole program is skipped.
local EXPECTED = {
	["ktap/all-indented"] = { 2, 0, 0 },
	["ktap/bail-out"] = { 1, 2, 0, message = "Bail out! no memory" },
	["ktap/binary"] = { 1, 1, 0 },
	["ktap/crlf"] = { 1, 1, 0 },
	["ktap/deep"] = { 25, 1, 0 },
	["ktap/directives"] = { 2, 2, 2 },
	["ktap/hashes"] = { 2, 0, 0 },
	["ktap/kselftest-harness"] = { 1, 1, 0 },
	["ktap/kselftest-runner"] = { 2, 1, 0 },
	["ktap/looks-like-results"] = { 0, 0, 0 },
	["ktap/nested"] = { 2, 1, 0 },
	["ktap/nested-at-end"] = { 1, 1, 0 },
	["ktap/nested-ends-deep"] = { 0, 1, 0 },
	["ktap/nested-plan-short"] = { 1, 1, 0 },
	["ktap/nested-without-its-line"] = { 1, 1, 0 },
	["ktap/no-numbers"] = { 2, 1, 0 },
	["ktap/no-output"] = { 0, 0, 0 },
	["ktap/no-plan"] = { 2, 0, 0 },
	["ktap/not-ok-over-ok"] = { 1, 1, 0 },
	["ktap/ok-over-not-ok"] = { 0, 1, 0 },
	["ktap/plan-at-end"] = { 2, 0, 0 },
	["ktap/plan-huge"] = { 1, 0, 0, message = "planned 1000000000 results, got 1" },
	["ktap/plan-long"] = { 2, 0, 0, message = "planned 1 result, got 2" },
	["ktap/plan-of-0-with-result"] = { 1, 0, 0, message = "planned 0 results, got 1" },
	["ktap/plan-short"] = { 1, 0, 0, message = "planned 9 results, got 1" },
	["ktap/skip-all"] = { 0, 0, 0, skip = "no root" },
	["ktap/subtest-without-a-name"] = { 1, 1, 0, message = "Bail out! no memor1TAP version 2" },
	["ktap/tap13"] = { 1, 1, 2 },
	["ktap/tap14"] = { 2, 0, 1 },
	["ktap/two-programs"] = { 3, 0, 0 },
	["ktap/two-programs-first-short"] = { 4, 0, 0, message = "planned 2 results, got 1 before the next plan" },
	["ltp/binary"] = { 1, 1, 0 },
	["ltp/colors"] = { 1, 1, 0 },
	["ltp/conf-only"] = { 0, 0, 1, skip = "TCONF: needs root" },
	["ltp/looks-like-results"] = { 0, 0, 0, message = "the program printed no result" },
	["ltp/new"] = { 1, 3, 1 },
	["ltp/no-result"] = { 0, 0, 0, message = "the program printed no result" },
	["ltp/old"] = { 1, 2, 1 },
	["ltp/summary-without-results"] = { 1, 0, 0, message = "the summary says 1 failed, and 0 results say so" },
	["ltp/unknown-word"] = { 1, 0, 0 },
	["kunit/binary"] = { 1, 0, 0 },
	["kunit/caller"] = { 0, 1, 0 },
	["kunit/crash"] = { 1, 1, 0, message = "planned 2 results, got 1" },
	["kunit/no-time"] = { 1, 0, 0 },
	["kunit/none"] = { 0, 0, 0 },
	["kunit/parameters"] = { 2, 0, 0 },
	["kunit/suite-lost"] = { 2, 1, 0 },
	["kunit/two-suites"] = { 1, 1, 1 },
}

-- Calls fn(name, parser, text) for each file of the corpus.
local function each_file(fn)
	for parser in pairs(oracle.parsers) do
		for _, name in ipairs(core.list(CORPUS .. "/" .. parser)) do
			local path = ("%s/%s/%s"):format(CORPUS, parser, name)
			if core.identity(path) and name:find "^%w" then
				session.depend(path)
				fn(parser .. "/" .. name, parser, runner.read(path))
			end
		end
	end
end

test("each output in the corpus gives the results that this file lists for it", function()
	local nr = 0
	each_file(function(name, parser, text)
		local out = oracle.check(parser, text)
		local got = { out.passed, out.failed, out.skipped, message = out.message, skip = out.skip }
		assert_eq(EXPECTED[name], got, name)
		nr = nr + 1
	end)
	local nr_expected = 0
	for _ in pairs(EXPECTED) do nr_expected = nr_expected + 1 end
	assert_eq(nr_expected, nr, "number of files")
end)

test("a corpus output cut after any line gives no more passes than its lines report", function()
	each_file(function(name, parser, text)
		for at in text:gmatch "\n()" do
			local ok, problem = pcall(oracle.check, parser, text:sub(1, at - 1))
			assert(ok, ("%s cut at byte %d: %s"):format(name, at - 1, problem))
		end
	end)
end)

test("a corpus output that lacks a line gives no more passes than its lines report", function()
	each_file(function(name, parser, text)
		for from, to in text:gmatch "()[^\n]*\n()" do
			local ok, problem = pcall(oracle.check, parser, text:sub(1, from - 1) .. text:sub(to))
			assert(ok, ("%s without bytes %d to %d: %s"):format(name, from, to - 1, problem))
		end
	end)
end)

test("a corpus output with one changed byte gives no more passes than its lines report", function()
	each_file(function(name, parser, text)
		for at = 1, math.min(#text, 150) do
			local byte = ("\n #\0ok1.\255"):byte(at % 9 + 1)
			local changed = text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1)
			local ok, problem = pcall(oracle.check, parser, changed)
			assert(ok, ("%s with byte %d changed to %d: %s"):format(name, at, byte, problem))
		end
	end)
end)
