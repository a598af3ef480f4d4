-- SPDX-License-Identifier: GPL-2.0-only
-- vm:kunit(): the results of KUnit's suites, read from the kernel log as
-- tools/testing/kunit/kunit_parser.py of the kernel's sources reads them.

local errors = require "provium.errors"
local ktap = require "provium.ktap"
local options = require "provium.options"
local results = require "provium.results"

local kunit = { methods = {} }

-- Where newer kernels let a suite run again (since 6.8).
local RUN_FILE = "/sys/kernel/debug/kunit/%s/run"

-- The lines after which a kernel prints no results.
local ENDS = { "List of all partitions:", "Kernel panic %- not syncing: VFS:", "reboot: System halted" }

local function is_end(line)
	for _, pattern in ipairs(ENDS) do
		if line:find(pattern) then return true end
	end
	return false
end

-- Returns a line without what the console puts before it. first: the number of
-- such bytes, for a prefix that is not a time.
local function strip(line, first)
	local rest = line:match "^%[%s*%d+%.%d+%]%[%s*[TC]%d+%] (.*)$" or line:match "^%[%s*%d+%.%d+%] ?(.*)$"
	return rest or line:sub(first + 1)
end

-- Returns the KTAP lines of a kernel log: those from the first "KTAP version 1"
-- on. all: from the first line on, as of a log that begins later.
function kunit.lines(log, all)
	local list, first = {}, all and 0 or nil
	for line in log:gmatch "[^\n]+" do
		line = line:gsub("%s+$", "")
		local before = not first and line:match "^(.*)K?TAP version %d+$"
		if before then first = #(before:gsub("K$", "")) end
		if first and is_end(line) then break end
		if first then list[#list + 1] = strip(line, first) end
	end
	return list
end

-- Returns what Parser:judge() does for the suites in these lines.
function kunit.judge(lines)
	local parser = ktap.new()
	for _, line in ipairs(lines) do parser:take(line) end
	return parser:judge { exit_code = 0 }
end

-- Returns the Lua pattern of a suite's name with the wildcards * and ?.
local function pattern_of(glob)
	local pattern = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
	return "^" .. pattern .. "$"
end

-- Keeps the suites with such a name, and counts again.
local function choose(out, glob)
	local pattern, names, kept = pattern_of(glob), {}, { results = {}, passed = 0, failed = 0, skipped = 0 }
	for _, suite in ipairs(out.results) do
		names[#names + 1] = suite.name
		if suite.name:find(pattern) then kept.results[#kept.results + 1] = suite end
	end
	ktap.count(kept)
	return kept, names
end

-- --- vm:kunit ---

-- Returns the lines that the kernel logs while fn runs.
local function logged_by(vm, fn)
	local nr_before = #vm:read_log()
	fn()
	local log = vm.root:read_log()
	return kunit.lines(table.concat(log, "\n", nr_before + 1), true)
end

-- Runs a suite that has not run, if that is possible. Returns its lines, or nil
-- and why not.
local function run_suite(vm, name)
	local run_file = RUN_FILE:format(name)
	if vm:exec(("test -e '%s'"):format(run_file)).ok then
		return logged_by(vm, function() vm:write_file(run_file, "1") end)
	end
	local inserted, err
	local lines = logged_by(vm, function() inserted, err = pcall(vm.insmod, vm, name) end)
	if inserted then return lines end
	return nil, err
end

-- Takes the results of the suites that are called suite, which can have the
-- wildcards * and ?; without it, of all that ran at boot.
function kunit.methods:kunit(suite)
	if suite ~= nil then suite = options.string("kunit", "suite", suite) end
	local out = kunit.judge(kunit.lines(self:dmesg()))
	if not suite then
		if #out.results == 0 then
			error(errors.new(errors.KIND.fail, "kunit: no suite has run: the kernel log has no results of KUnit. "
				.. "The kernel needs CONFIG_KUNIT=y and suites, and kunit.enable=1 on its command line"), 0)
		end
		return results.take("kunit", out)
	end
	local chosen, names = choose(out, suite)
	local why
	if #chosen.results == 0 and not suite:find "[*?]" then
		local lines
		lines, why = run_suite(self, suite)
		if lines then chosen = kunit.judge(lines) end
	end
	if #chosen.results == 0 then
		error(errors.new(errors.KIND.fail, "kunit %s: no result: no such suite ran at boot (%s)%s", suite,
			#names > 0 and "those that did: " .. table.concat(names, ", ") or "none did",
			why and "; as a module: " .. tostring(why) or ""), 0)
	end
	return results.take("kunit " .. suite, chosen)
end

return kunit
