-- SPDX-License-Identifier: GPL-2.0-only
-- vm:ktap(), kselftest() and ltp(): the results that another test program
-- prints become results within the running test.

local check = require "provium.check"
local errors = require "provium.errors"
local ktap = require "provium.ktap"
local ltp = require "provium.ltp"
local options = require "provium.options"
local result_stream = require "provium.result_stream"
local session = require "provium.session"
local show = require "provium.show"

local results = { methods = {} }

local MAX_NAMES = 5	-- most names of failed results in a message

-- Returns how a program ended, as Parser:judge() takes it. ok, r: what
-- pcall(vm.exec) returned.
local function ending(ok, r)
	if not ok then return { reason = r.message:match "[^\n]*" } end
	if r.signal then return { reason = ("killed by signal %d"):format(r.signal) } end
	return { exit_code = r.exit_code }
end

local function verdict_is_failure(verdict)
	return verdict == errors.VERDICT.fail or verdict == errors.VERDICT.broken
end

-- Returns "2 of 7 results failed: NAME, NAME".
local function failed_text(out)
	local names = {}
	ktap.each_leaf(out.results, function(result, path)
		if verdict_is_failure(result.verdict) then names[#names + 1] = path end
	end)
	local more = #names - MAX_NAMES
	return ("%d of %d results failed: %s%s"):format(out.failed, out.passed + out.failed + out.skipped,
		table.concat(names, ", ", 1, math.min(#names, MAX_NAMES)),
		more > 0 and (" and %d more"):format(more) or "")
end

-- Adds the results of a program to the running test.
function results.add(list)
	local t = session.test
	if not t or not list then return end
	t.results = t.results or {}
	table.move(list, 1, #list, #t.results + 1, t.results)
end

-- Returns the kind and message of the error for a program's results; nil if
-- there is none.
local function problem(label, out)
	if out.failed > 0 then
		local also = out.message and "\n" .. out.message or ""
		return errors.KIND.fail, ("%s: %s%s"):format(label, failed_text(out), also)
	elseif out.message then
		return errors.KIND.fail, ("%s: %s"):format(label, out.message)
	elseif out.skip then
		return errors.KIND.skip, ("%s: %s"):format(label, out.skip)
	elseif out.passed == 0 and out.skipped > 0 then
		local why
		ktap.each_leaf(out.results, function(result) why = why or result.message end)
		return errors.KIND.skip, ("%s: all results were skipped: %s"):format(label, why or "no reason is given")
	end
end

-- Adds the results to the running test, and counts each as a check. Raises an
-- error if the program failed or wants to be skipped. The error has the
-- results, which become the test's only if it ends the test (harness.lua).
function results.take(label, out)
	local kind, message = problem(label, out)
	check.count = check.count + out.passed + out.failed
	if not kind then
		results.add(out.results)
		return out
	end
	local err = errors.new(kind, "%s", message)
	err.results = out.results
	error(err, 0)
end

-- Returns what Parser:judge() does for a program with that output. parser: that
-- of ktap.new() or ltp.new().
function results.read(parser, output, ended)
	for line in output:gmatch "([^\n]*)\n?" do parser:take(line) end
	return parser:judge(ended)
end

-- If a program has printed no result, makes it one, by its exit status.
local function by_status(out, name)
	if #out.results > 0 or out.skip then return end
	local verdict = out.message and errors.VERDICT.fail or errors.VERDICT.ok
	out.results[1] = { name = name, verdict = verdict, message = out.message }
	out.passed, out.failed = out.message and 0 or 1, out.message and 1 or 0
	out.message = nil
end

-- Returns what Parser:judge() does for the program of that name with that
-- output, with the conventions of kselftest.
function results.read_program(name, output, ended)
	local out = results.read(ktap.new(), output, ended)
	by_status(out, name)
	return out
end

-- Calls method(vm, ...), which runs a command or a program, reads its output
-- while it runs, and takes the results in it. parser and streams: as for
-- result_stream.new(). name: that of a program which is one result, by its exit
-- status, if it prints none; or nil.
function results.run(label, parser, streams, name, method, vm, ...)
	local reader = result_stream.new(vm, parser, streams)
	local ok, r = reader:call(method, ...)
	if not ok and not (errors.kind_of(r) and r.stdout) then error(r, 0) end
	local out = reader:judge(ending(ok, r))
	result_stream.add_marks(vm, reader.marks)
	if name then by_status(out, name) end
	if not ok then
		-- The error says more than the results: where the program hung,
		-- or the guest's last words.
		r.results = out.results
		error(r, 0)
	end
	return results.take(label, out)
end

local STDOUT, BOTH = { 1 }, { 1, 2 }

function results.methods:ktap(cmd, opts)
	cmd = options.string("ktap", "command", cmd)
	return results.run(("ktap %q"):format(show.command(cmd)), ktap.new(), STDOUT, nil, self.exec, self, cmd, opts)
end

-- --- vm:kselftest() ---

local KSELFTEST_OPTIONS = { args = true, timeout = true, env = true }
local KSELFTEST_TIMEOUT_S = 45		-- kselftest_default_timeout, kselftest/runner.sh

-- Returns the time limit in the text of a file `settings`: "timeout=90". 0
-- means none, which longest replaces.
function results.kselftest_limit(settings, longest)
	local seconds = tonumber((("\n" .. settings):match "\ntimeout=(%d+)"))
	return seconds == 0 and longest or seconds or KSELFTEST_TIMEOUT_S
end

-- Returns the time limit in the file settings beside the program.
local function time_limit(vm, dir)
	local found, settings = pcall(vm.read_file, vm, dir .. "/settings")
	return results.kselftest_limit(found and settings or "", "24h")
end

-- Runs the program of that name: results.run() with the conventions of
-- kselftest.
function results.run_program(label, name, vm, argv, opts)
	return results.run(label, ktap.new(), STDOUT, name, vm.run, vm, argv, opts)
end

function results.methods:kselftest(path, opts)
	path = options.string("kselftest", "path", path)
	opts = options.check("kselftest " .. path, opts, KSELFTEST_OPTIONS)
	local dir, name = path:match "^(.*)/([^/]+)$"
	if not dir then error(("kselftest: path: expected the path of a program in the guest, got %s"):format(path), 0) end
	local argv = { "./" .. name, table.unpack(opts.args or {}) }
	return results.run_program("kselftest " .. path, name, self, argv,
		{ cwd = dir .. "/", timeout = opts.timeout or time_limit(self, dir), env = opts.env })
end

-- --- vm:ltp() ---

-- The old library prints to stdout, the new one to stderr.
function results.methods:ltp(cmd, opts)
	cmd = options.string("ltp", "command", cmd)
	return results.run(("ltp %q"):format(show.command(cmd)), ltp.new(), BOTH, nil, self.exec, self, cmd, opts)
end

return results
