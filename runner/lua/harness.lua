-- SPDX-License-Identifier: GPL-2.0-only
-- Runs one test file: loads it, runs its tests, judges them, sends the record.

local core = require "provium.core"
local check = require "provium.check"
local environment = require "provium.environment"
local errors = require "provium.errors"
local evidence = require "provium.evidence"
local fixture = require "provium.fixture"
local globals = require "provium.globals"
local keep = require "provium.keep"
local kernel_log = require "provium.kernel_log"
local leaks = require "provium.leaks"
local leave_clean = require "provium.leave_clean"
local limits = require "provium.limits"
local look = require "provium.look"
local on_failure = require "provium.on_failure"
local options = require "provium.options"
local record = require "provium.record"
local repl = require "provium.repl"
local recording = require "provium.recording"
local result_stream = require "provium.result_stream"
local results = require "provium.results"
local session = require "provium.session"
local show = require "provium.show"
local verdict = require "provium.verdict"
local visit = require "provium.visit"

local KIND, VERDICT = errors.KIND, errors.VERDICT

local harness = {}

-- The number of clones after which garbage is collected. The descriptors of a
-- killed VM are closed when Lua frees it, and Lua does not know that
-- descriptors are scarce.
local CLONES_PER_COLLECTION = 32

-- --- the global test() ---

local nr_clones = 0

-- Calls the test's function with a new clone. Meanwhile starts a spare, the
-- clone for the next test, which most likely uses the same fixture.
local function with_clone(t, name, fn)
	return function()
		t.vm = fixture.clone(name)
		if not session.recordings then fixture.start_spare(name) end
		return fn(t.vm)
	end
end

-- Kills the test's clone. After a failure the clone stays in session.vms, so
-- that its console is added to the logs.
local function drop_clone(t)
	if not t.vm then return end
	t.vm:kill()
	t.vm.dropped, t.vm = true, nil
	nr_clones = nr_clones + 1
	if nr_clones % CLONES_PER_COLLECTION == 0 then collectgarbage() end
end

-- Lets a waiting call end soon after its kernel has reported an oops, unless
-- the test may cause one.
local function watch_oops(on)
	session.watches_oops = on
	for _, vm in ipairs(session.vms) do vm.core:watch_oops(on) end
end

-- Calls the test's function under its time limit. Sets the verdict; returns the
-- caught error, or nil. Raises only an interrupt.
local function call_test(t, opts, fn)
	if opts.fixture then fn = with_clone(t, opts.fixture, fn) end
	t.limit = opts.timeout and options.seconds(opts.timeout, "test: timeout")
	watch_oops(not opts.expect and not opts.expect_panic and #session.ignored == 0)
	limits.arm()
	local ok, caught = core.protected_call(fn, verdict.catch)
	t.limit = nil
	watch_oops(false)
	limits.arm()
	if ok then
		t.verdict = VERDICT.ok
		return nil
	end
	if verdict.is_interrupt(caught) then
		record.tell_interrupt(caught)
		session.test, t.vm = nil, nil
		error(caught.value, 0)
	end
	limits.name_limit(caught.value)
	t.verdict, t.message = verdict.of_error(caught, true)
	if errors.kind_of(caught.value) then results.add(caught.value.results) end
	return caught
end

local function stop_file()
	session.stopped = true
	errors.raise(KIND.stop, "stopped")
end

-- After a test, closes descriptors, removes modules and looks for leaks, if the
-- options of the test or of its fixture say so. Returns nothing, or why that
-- failed.
local function settle(t, opts)
	local wants_clean = opts.leave_clean
	if wants_clean == nil and t.vm then wants_clean = t.vm.leave_clean end
	if wants_clean or opts.leaks then core.end_visits("the test has ended and cleans up its VM") end
	local problem = wants_clean and leave_clean(t)
	if opts.leaks and not problem and t.verdict == VERDICT.ok then problem = leaks.search(t) end
	session.wants_leaks = nil
	return problem
end

local function run_test(t, opts, fn)
	local dead_before = verdict.dead_vms()
	session.test = t
	visit.update()
	kernel_log.take_outside_complaints()
	evidence.mark(session.vms)
	for _, vm in ipairs(session.vms) do vm.inserted_by_test, vm.removed_functions, vm.workers = {}, {}, {} end
	check.count = 0
	session.wants_leaks = opts.leaks
	if session.recordings then recording.test_begins(t) end
	local caught = call_test(t, opts, fn)
	if session.recordings then recording.test_ends() end
	-- With --on-failure, the user sees the guest as it was at the failure,
	-- so nothing in it is cleaned up.
	local stands = caught and session.on_failure
	local unclean = not stands and settle(t, opts)
	local complaints = verdict.apply_kernel(t, caught, opts, dead_before)
	result_stream.blame(t, complaints)
	if unclean and t.verdict == VERDICT.ok then t.verdict, t.message = VERDICT.fail, unclean end
	verdict.apply_check_count(t)
	if verdict.is_failure(t) then
		record.add_evidence(t, caught, complaints)
		t.look = look.command(caught, complaints)
		if session.recordings then recording.failed(t, complaints) end
		on_failure.stop(t)
		drop_clone(t)
	else
		drop_clone(t)
		session.forget_dead_vms()
	end
	visit.finish(t)
	t.seconds = core.now() - t.start - t.waited
	t.start, t.waited, session.test = nil, nil, nil
	record.tell("test", t)
	core.limit_memory()
	local wants_stop = session.stopped or session.fail_fast and t.verdict == VERDICT.fail
	if limits.file_is_over() or wants_stop then stop_file() end
end

local TEST_OPTIONS = { timeout = true, expect = true, expect_panic = true, expect_reset = true, fixture = true,
	leave_clean = true, leaks = true }

local function check_arguments(name, opts, fn)
	if type(name) ~= "string" or type(fn) ~= "function" then
		error(("test: expected a name and a function, got %s and %s"):format(type(name), type(fn)), 3)
	end
	opts = options.check("test " .. name, opts, TEST_OPTIONS)
	if opts.timeout then options.seconds(opts.timeout, ("test %q: timeout"):format(name)) end
	if session.stopped then stop_file() end
	if session.test then error(("test %q: called inside test %q; close the outer test first"):format(name, session.test.name), 3) end
	if session.lines[name] then
		error(("test %q: another test has this name (line %s)"):format(name, session.lines[name]), 3)
	end
	if session.building then error("test: not allowed in a fixture's script", 3) end
	return opts
end

-- The global test([name, opts,] fn).
local function test(name, opts, fn)
	if type(opts) == "function" then opts, fn = nil, opts end
	opts = check_arguments(name, opts, fn)
	session.lines[name] = (verdict.user_line(3) or ""):match("%d+$") or "?"
	if session.filter and not name:find(session.filter) then return end
	if session.only and not session.only[show.clean(name)] then return end
	run_test(record.new_test(name), opts, fn)
end

-- --- judging the file at its end ---

-- Judges a file that never calls test() as one test with the name of the file.
local function judge_as_test(caught)
	local t = { name = session.path:match("([^/]+)$"):gsub("%.lua$", ""), log = session.log,
		seconds = core.now() - session.start, verdict = VERDICT.ok }
	session.tests[1] = t
	if caught then
		t.verdict, t.message = verdict.of_error(caught, true)
	elseif session.returned ~= nil and check.count == 0 then
		t.verdict, t.message = VERDICT.skip, "the file has no tests: it returns a value, as a file for require() does"
	end
	local complaints = verdict.apply_kernel(t, caught, {}, {})
	verdict.apply_check_count(t, true)
	if verdict.is_failure(t) then
		record.add_evidence(t, caught, complaints)
		if session.recordings then recording.failed(t, complaints) end
	end
	record.tell("test", t)
end

-- Returns the error for the file's record. caught: the error that ended the
-- file, or nil; is_load_error: the file could not be loaded.
local function file_error(caught, is_load_error)
	if caught and errors.kind_of(caught.value) == KIND.stop then
		return limits.file_is_over() and { verdict = VERDICT.fail,
			message = limits.file_message() .. "; the tests after it did not run" } or nil
	end
	if next(session.lines) == nil and not is_load_error then
		judge_as_test(caught)
		return nil
	end
	local e, complaints, problems = { log = session.log }, nil, nil
	if caught then
		limits.name_limit(caught.value)
		e.verdict, e.message = verdict.of_error(caught, false)
	else
		complaints, problems = kernel_log.take_outside_complaints()
		if #complaints > 0 then
			e.message = "the kernel complained outside of any test: " .. kernel_log.titles(complaints)
		elseif #problems > 0 then
			e.message = "outside of any test: " .. kernel_log.missing(problems)
		elseif core.gc_error() then
			-- Lua may collect the garbage of one test while another
			-- one runs.
			e.message = ("Lua collected garbage of one of these tests: %s"):format(core.gc_error())
		else
			return nil
		end
		e.verdict = VERDICT.fail
	end
	record.add_evidence(e, caught, complaints)
	if session.recordings then recording.failed(e, complaints) end
	return e
end

local function end_vms()
	fixture.drop_spare()
	session.kill_vms()
end

-- --- running a file ---

-- Loads the file, or takes chunk in its place, and calls it under its time
-- limit. Returns nothing; or the caught error, and whether the file could not
-- be loaded.
local function call_file(path, chunk)
	globals.install(test)
	environment.coroutines()
	environment.require(session.dir, session.depend)
	local reason
	if not chunk then chunk, reason = loadfile(path, "t") end
	if not chunk then return { value = reason }, true end
	limits.arm()
	local ok, caught = core.protected_call(function() session.returned = chunk() end, verdict.catch)
	core.alarm(0)
	if not ok then return caught, false end
end

-- Runs the test file at path. opts.tell gets events as JSON text, see
-- record.tell(). opts.filter (a pattern) and opts.only (a set of names) select
-- the tests to run. opts.fail_fast: the first failure ends the file.
-- opts.record: record the VMs; opts.chaos: with a timing from this seed.
-- opts.on_failure: "shell", "repl", "gdb", "keep" or "ask"; opts.gdb: true or
-- nil; see on_failure.lua. Raises only an interrupt.
function harness.run(path, opts)
	function opts.on_start(vm)
		visit.update()
		on_failure.watch(vm)
	end
	session.begin(path, opts)
	if opts.record then recording.begin() end
	if opts.on_failure == "repl" or opts.on_failure == "ask" then repl.watch_errors() end
	local caught, is_load_error = call_file(path)
	if caught and verdict.is_interrupt(caught) then
		if not session.told_interrupt then record.tell_interrupt(caught) end
		if session.recordings then recording.failed({}) end
		end_vms()
		recording.keep()
		error(caught.value, 0)
	end
	on_failure.finish()
	local error_of_file = file_error(caught, is_load_error)
	record.keep_logs()
	end_vms()
	recording.keep()
	local serve = keep.detach()
	record.tell_end(error_of_file, serve ~= nil)
	if serve then serve() end
end

-- Runs a fixture's script and leaves its VMs running. limit: its time limit in
-- seconds, unscaled; chain: the names of the fixtures that are being built,
-- this one last; chunk: the script as a function if path is not a file, else
-- nil. Returns true; or false and an error, which is an error object for an
-- interrupt, otherwise a message; then a third value is true unless the host
-- failed.
function harness.run_script(path, limit, chain, chunk)
	session.begin(path, { limit = limit, built_in = chunk ~= nil })
	session.building = { parents = {}, chain = chain }
	local caught, is_load_error = call_file(path, chunk)
	if not caught then return true end
	if is_load_error then return false, caught.value, true end
	if verdict.is_interrupt(caught) then return false, caught.value end
	limits.name_limit(caught.value)
	local _, message = verdict.of_error(caught, false)
	return false, ("%s%s"):format(message, caught.where and "\n  at " .. caught.where or ""),
		errors.kind_of(caught.value) ~= KIND.broken or caught.value.setup
end

return harness
