-- SPDX-License-Identifier: GPL-2.0-only
-- vm:kunit(): the results of KUnit's suites, read from the kernel log as
-- tools/testing/kunit/kunit_parser.py of the kernel's sources reads them.

local errors = require "provium.errors"
local ktap = require "provium.ktap"
local options = require "provium.options"
local result_stream = require "provium.result_stream"
local results = require "provium.results"
local session = require "provium.session"

local kunit = { methods = {} }

-- The file with which kernels since 6.8 let a suite run again.
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
-- on; a list of their numbers in the log; and a list of the times at which they
-- were logged, in seconds, or false. all: take all lines, because the log
-- begins after that line.
function kunit.lines(log, all)
	local list, numbers, times, first, number = {}, {}, {}, all and 0 or nil, 0
	for line in log:gmatch "[^\n]+" do
		number = number + 1
		line = line:match "^.*%S" or ""
		local before = not first and line:match "^(.*)K?TAP version %d+$"
		if before then first = #(before:gsub("K$", "")) end
		if first and is_end(line) then break end
		if first then
			local i = #list + 1
			list[i], numbers[i] = strip(line, first), number
			times[i] = tonumber(line:match "^%[%s*(%d+%.%d+)%]") or false
		end
	end
	return list, numbers, times
end

-- Returns what Parser:judge() does for the suites in these lines, and the marks
-- (result_stream.lua) of the results; the numbers in these are those of the
-- lines. numbers, times: as kunit.lines() returns them. reason: why the kernel
-- did not end the suites, or nil.
function kunit.judge(lines, numbers, times, reason)
	local parser, marks, from, last = ktap.new(), {}, 0, times[1]
	for i, line in ipairs(lines) do
		parser:take(line)
		for _, item in ipairs(parser.fresh) do
			marks[#marks + 1] = { result = item.result, nr = 1, from = from, to = numbers[i] }
			item.result.seconds = last and times[i] and math.max(0, times[i] - last) or nil
			from, last = numbers[i], times[i]
		end
		parser.fresh = {}
	end
	local out = parser:judge { exit_code = 0, reason = reason }
	if out.running then marks[#marks + 1] = { result = out.running, nr = 1, from = from, to = math.huge } end
	return out, marks
end

-- Returns the Lua pattern of a suite's name with the wildcards * and ?.
local function pattern_of(glob)
	local pattern = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
	return "^" .. pattern .. "$"
end

-- Keeps the suites whose names match the wildcards, and counts their results
-- anew.
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

-- Replaces the line numbers in marks by numbers of the kernel log's records.
-- first: the number of the record whose line is the first one.
local function number_records(marks, first)
	for _, m in ipairs(marks) do m.from, m.to = first + m.from - 1, first + m.to - 1 end
end

-- Returns the set of all results in the list.
local function all_in(list, set)
	for _, result in ipairs(list) do
		set[result] = true
		all_in(result.results or {}, set)
	end
	return set
end

-- Charges complaints to this test that came before it, while the suites ran
-- whose results the test takes. m: the mark of such a result.
local function take_earlier_complaints(vm, m)
	local list = session.outside_complaints
	for i = #list, 1, -1 do
		local seq = list[i].vm == vm and list[i].seq
		if seq and seq >= m.from and seq < m.to then
			table.insert(session.kept_complaints, table.remove(list, i))
		end
	end
end

-- Keeps the marks of the results in out (which log records are theirs) until
-- the test is judged.
local function take_marks(vm, out, marks)
	local chosen, kept = all_in(out.results, {}), {}
	for _, m in ipairs(marks) do
		if chosen[m.result] then
			kept[#kept + 1] = m
			take_earlier_complaints(vm, m)
		end
	end
	result_stream.add_marks(vm, kept)
end

-- Returns what kunit.judge() does for the suites that ran at boot.
local function judge_boot(vm)
	local out, marks = kunit.judge(kunit.lines(vm:dmesg()))
	number_records(marks, vm.log_next - #vm.log)
	return out, marks
end

-- Runs suites with fn, and judges what the kernel logs meanwhile. Raises an
-- error, with the results, if fn hangs or ends the guest. Returns what
-- kunit.judge() does; or nil and another error of fn.
local function judge_run(vm, fn)
	local nr_before, console_size = #vm:read_log(), vm.core:console_size()
	local ok, err = pcall(fn)
	local kind = not ok and errors.kind_of(err)
	local is_end = kind == errors.KIND.timeout or kind == errors.KIND.guest
	if not ok and not is_end then return nil, err end
	local reason = not ok and err.message:match "[^\n]*" or nil
	local is_running = vm:is_running()
	local log = is_running and table.concat(vm:read_log(), "\n", nr_before + 1) or vm.core:console(console_size)
	local lines, numbers, times = kunit.lines(log, true)
	local out, marks = kunit.judge(lines, numbers, times, reason)
	if is_running then
		number_records(marks, vm.log_next - #vm.log + nr_before)
		take_marks(vm, out, marks)
	end
	if ok then return out end
	err.results = out.results
	error(err, 0)
end

-- Runs a suite that has not run, if that is possible. Returns what judge_run()
-- does.
local function run_suite(vm, name)
	local run_file = RUN_FILE:format(name)
	if vm:exec(("test -e '%s'"):format(run_file)).ok then
		return judge_run(vm.root, function() vm:write_file(run_file, "1") end)
	end
	return judge_run(vm.root, function() vm:insmod(name) end)
end

-- Takes the results of the suites with the name `suite`, which can have the
-- wildcards * and ?; without a name, of all suites that ran at boot.
function kunit.methods:kunit(suite)
	if suite ~= nil then suite = options.string("kunit", "suite", suite) end
	local out, marks = judge_boot(self.root)
	if not suite then
		if #out.results == 0 then
			error(errors.new(errors.KIND.fail, "kunit: no suite has run: the kernel log has no results of KUnit. "
				.. "The kernel needs CONFIG_KUNIT=y and suites, and kunit.enable=1 on its command line"), 0)
		end
		take_marks(self.root, out, marks)
		return results.take("kunit", out)
	end
	local chosen, names = choose(out, suite)
	take_marks(self.root, chosen, marks)
	local why
	if #chosen.results == 0 and not suite:find "[*?]" then
		local ran
		ran, why = run_suite(self, suite)
		chosen = ran or chosen
	end
	if #chosen.results == 0 then
		error(errors.new(errors.KIND.fail, "kunit %s: no result: no such suite ran at boot (%s)%s", suite,
			#names > 0 and "those that did: " .. table.concat(names, ", ") or "none did",
			why and "; as a module: " .. tostring(why) or ""), 0)
	end
	return results.take("kunit " .. suite, chosen)
end

return kunit
