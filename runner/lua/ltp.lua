-- SPDX-License-Identifier: GPL-2.0-only
-- Reads the results of LTP's test programs (include/tst_res_flags.h and
-- lib/tst_test.c in LTP's sources).

local errors = require "provium.errors"

local VERDICT = errors.VERDICT

local ltp = {}

local MAX_RESULTS = 20000	-- of one program; more lines are not read

local WORDS = { TPASS = VERDICT.ok, TFAIL = VERDICT.fail, TBROK = VERDICT.broken, TCONF = VERDICT.skip,
	TWARN = VERDICT.fail }
-- The exit status is a sum of these.
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
	if code & ~(TFAIL | TBROK | TWARN | TCONF) ~= 0 then return ("exit status %d"):format(code) end
end

-- Returns the results of a program with that output, as Parser:judge() of
-- ktap.lua does. ended: see there.
function ltp.read(output, ended)
	local out, seen = { results = {}, passed = 0, failed = 0, skipped = 0 }, {}
	for line in output:gmatch "[^\n]+" do
		local result = #out.results < MAX_RESULTS and parse(line)
		if result then
			out.results[#out.results + 1], seen[result.verdict] = result, true
			local key = result.verdict == VERDICT.ok and "passed" or result.verdict == VERDICT.skip and "skipped" or
				"failed"
			out[key] = out[key] + 1
		end
	end
	out.message = ended.reason or status_problem(ended.exit_code, seen)
	if not out.message and #out.results == 0 and ended.exit_code == 0 then
		out.message = "the program printed no result"
	elseif not out.message and out.passed + out.failed == 0 then
		out.skip = out.results[1] and out.results[1].message or "exit status 32 (TCONF)"
	end
	return out
end

return ltp
