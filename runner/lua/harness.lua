-- SPDX-License-Identifier: GPL-2.0-only
-- One test file, from its first line to its record.
--
-- Runs in one Lua state; the record that comes out is what every report is
-- made of (runner/report/record.h).

local core = require "provium.core"
local errors = require "provium.errors"
local KIND, VERDICT = errors.KIND, errors.VERDICT
local show = require "provium.show"
local text = require "provium.text"
local pack = require "provium.pack"
local check = require "provium.check"
local environment = require "provium.environment"
local evidence = require "provium.evidence"
local options = require "provium.options"
local VM = require "provium.vm"
local fixture = require "provium.fixture"

local harness = { vms = {} }

local FILE_TIMEOUT = 300

local state = {}	-- of this file; see harness.run

-- --- where things are ---

function harness.depend(path, kind) state.deps[path] = state.deps[path] or kind or true end

function harness.deps() return state.deps end

function harness.dir() return state.dir end

function harness.slowness() return state.slowness end

-- A host file that a test names: from the test's own folder, else from here.
function harness.find_file(path)
	if path:sub(1, 1) == "/" then return path end
	local beside = state.dir .. "/" .. path
	local file = io.open(beside, "rb")
	if file then file:close() end
	return file and beside or path
end

function harness.booted(info)
	state.accel, state.release = info.accel or state.accel, info.release
	if state.slowness ~= info.slowness then
		state.slowness = info.slowness
		harness.arm()
	end
end

-- The first line of user code on the stack: "file:line".
local function where_now(level)
	for l = level, level + 60 do
		local info = debug.getinfo(l, "Sl")
		if not info then return nil end
		if info.source:sub(1, 1) == "@" and info.currentline > 0 then
			return ("%s:%d"):format(info.source:sub(2), info.currentline)
		end
	end
end

local function handler(err)
	return { value = err, where = where_now(3), trace = debug.traceback(nil, 2) }
end

-- --- verdicts ---

-- What an error means: verdict and message.  in_test: the guest was in a
-- test's hands, so that its death is that test's failure.
local function judge(caught, in_test)
	local err = caught.value
	if type(err) ~= "table" or not err.kind then
		local message = type(err) == "string" and err or show.value(err)
		-- The position goes into `where`.
		local at, rest = message:match("^(.-:%d+): (.*)$")
		local tail = at and at:gsub("^%.%.%.", "")	-- Lua shortens long paths
		if at and (not caught.where or caught.where:sub(-#tail) == tail) then
			caught.where, message = caught.where or at, rest
		end
		return VERDICT.fail, message
	end
	if err.kind == KIND.skip then return VERDICT.skip, err.message end
	if err.kind == KIND.todo then return VERDICT.todo, err.message end
	if err.kind == KIND.broken or err.kind == KIND.guest and not in_test then
		return VERDICT.broken, err.message
	end
	return VERDICT.fail, err.message
end

-- Interrupted by a signal from outside, not by a time limit.
local function is_interrupt(caught)
	return errors.kind_of(caught.value) == KIND.interrupted and core.interrupted()
end

-- --- the kernel's complaints ---

local function is_ignored(line)
	for _, entry in ipairs(state.ignored) do
		if line:find(entry.pattern) then
			entry.count = entry.count + 1
			return true
		end
	end
end

-- New complaints of all running VMs, as lines.  The VM is running, but may
-- die while it is asked: that is no complaint of its own.
local function complaints()
	local found = state.heard
	state.heard = {}
	for _, vm in ipairs(harness.vms) do
		if vm:is_running() and pcall(vm.read_log, vm) then
			for i = (vm.log_judged or 0) + 1, #vm.log do
				local line = vm.log[i]
				if core.complaint(line) and not is_ignored(line) then found[#found + 1] = line end
			end
			vm.log_judged = #vm.log
		end
	end
	return found
end

harness.complaints = complaints

-- Before a kernel log goes back to what it was.
function harness.hear() state.heard = complaints() end

-- The verdict after the kernel was heard: expect = PATTERN must be met, and
-- nothing else may have been said.
local function hear_kernel(t, expect)
	local met, others = false, {}
	for _, line in ipairs(complaints()) do
		if expect and line:find(expect) then met = true else others[#others + 1] = line end
	end
	if expect then check.count = check.count + 1 end
	if t.verdict ~= VERDICT.ok then return end
	if expect and not met then
		t.verdict, t.message = VERDICT.fail, ("expected the kernel to complain like %q; it did not"):format(expect)
	elseif #others > 0 then
		t.verdict = VERDICT.fail
		t.message = ("the kernel complained: %s"):format(table.concat(others, "\n"))
	end
end

-- --- time ---

local function file_deadline() return state.start + state.waited + state.limit * state.slowness end

local function file_limit_passed() return core.now() >= file_deadline() end

-- The limits of the test and of the file, scaled by how slow this machine is: with the
-- first boot that is known, and limits that run already are longer from then on.
function harness.arm()
	local deadline = file_deadline()
	if state.test and state.test.limit then
		local t = state.test
		deadline = math.min(deadline, t.start + t.waited + t.limit * state.slowness)
	end
	core.alarm(math.max(0.001, deadline - core.now()))
end

-- fn waits for its turn at the gate, which is no fault of the test's: it returns how many seconds
-- that took, and the limits move. What it raises goes through.
function harness.take_turn(fn)
	core.alarm(0)
	local ok, waited = pcall(fn)
	if ok then
		state.waited = state.waited + waited
		if state.test then state.test.waited = state.test.waited + waited end
	end
	harness.arm()
	if not ok then error(waited, 0) end
end

-- Ends what a guest is still at for the test, so that the next one has its executor.
local function abort_calls(vm)
	vm:supervisor_op("abort", { channel = 0 }, "abort")
	for _ = 1, 1000 do
		local reply, fail = vm.core:call("echo", { data = "" }, "echo", 1, 5)
		if reply or not fail.text:find("busy", 1, true) then return end
		core.pause(0.002)
	end
end

-- Says which limit has interrupted Lua code or a call, and frees the guests.
local function time_message(caught)
	local err = caught.value
	if errors.kind_of(err) ~= KIND.interrupted then return end
	err.kind = KIND.timeout
	err.message = file_limit_passed() and
		("the file's time limit of %g s was reached"):format(state.limit * state.slowness) or
		"the test's time limit was reached"
	for _, vm in ipairs(harness.vms) do
		if vm:is_running() then pcall(abort_calls, vm) end
	end
end

-- --- test() ---

local TEST_OPTIONS = { timeout = true, expect = true, expect_panic = true, fixture = true }

-- Fields that only a failure has.
local function add_evidence(t, caught)
	t.where = caught and caught.where or t.where
	t.kernel = evidence.kernel(harness.vms)
	local err = caught and caught.value
	local shown = type(err) == "table" and err.console and t.message == err.message
	t.consoles = evidence.consoles(shown and {} or harness.vms)
	state.keep_logs = true
end

local function panicked_since(before)
	for _, vm in ipairs(harness.vms) do
		if not before[vm] and vm.core:info().panicked then return true end
	end
end

local function panicked_now()
	local set = {}
	for _, vm in ipairs(harness.vms) do set[vm] = vm.core:info().panicked or nil end
	return set
end

-- A panic that was asked for is the test's own doing.
local function judge_panic(t, caught, before)
	check.count = check.count + 1
	if not panicked_since(before) then
		if t.verdict == VERDICT.ok then t.verdict, t.message = VERDICT.fail, "expected a panic; the guest did not" end
	elseif caught and errors.kind_of(caught.value) == KIND.guest then
		t.verdict, t.message = VERDICT.ok, nil
	end
end

-- VMs that are gone and that nobody will ask about again.
local function forget_dead()
	local kept = {}
	for _, vm in ipairs(harness.vms) do
		local s = vm.core:info().state
		if s ~= "dead" and s ~= "shut down" then kept[#kept + 1] = vm end
	end
	harness.vms = kept
end

-- The test's own clone; the next test's starts meanwhile.
local function with_clone(t, name, fn)
	return function()
		t.vm = fixture.clone(name)
		fixture.start_spare(name)
		return fn(t.vm)
	end
end

-- After a failure its console is kept for the logs.
local function drop_clone(t)
	if not t.vm then return end
	t.vm:kill()
	t.vm.dropped, t.vm = true, nil
	-- Lua does not see that a dead VM holds descriptors.
	state.clones = state.clones + 1
	if state.clones % 32 == 0 then collectgarbage() end
end

-- As a record has it: clean strings, and nothing that is empty.
local function clean_all(v)
	if type(v) == "string" then return show.clean(v) end
	if type(v) ~= "table" then return v end
	local out = {}
	for k, item in pairs(v) do
		if type(item) ~= "table" or next(item) ~= nil then out[k] = clean_all(item) end
	end
	return out
end

-- Tells the parent at once: a child that dies takes no test with it that had ended.
local function tell(event, item)
	state.tell(core.to_json(clean_all { event = event, item = item }))
end

local function run_test(t, opts, fn)
	local before, caught, ok = panicked_now(), nil, nil
	if opts.fixture then fn = with_clone(t, opts.fixture, fn) end
	state.test = t
	-- What was said before is not this test's.
	for _, line in ipairs(complaints()) do state.stray[#state.stray + 1] = line end
	evidence.mark(harness.vms)
	check.count = 0
	t.limit = opts.timeout and options.seconds(opts.timeout, "test: timeout")
	harness.arm()
	ok, caught = xpcall(fn, handler)
	t.limit = nil
	harness.arm()
	if ok then
		t.verdict, caught = VERDICT.ok, nil
	elseif is_interrupt(caught) then
		state.test, t.vm = nil, nil
		error(caught.value, 0)
	else
		time_message(caught)
		t.verdict, t.message = judge(caught, true)
	end
	if opts.expect_panic then judge_panic(t, caught, before) end
	hear_kernel(t, opts.expect)
	if t.verdict == VERDICT.ok and check.count == 0 then
		t.verdict, t.message = VERDICT.fail, "no check ran: a test without an assertion proves nothing"
	end
	if t.verdict == VERDICT.fail or t.verdict == VERDICT.broken then
		add_evidence(t, caught)
		drop_clone(t)
	else
		drop_clone(t)
		forget_dead()
	end
	t.seconds = core.now() - t.start - t.waited
	t.start, t.waited, state.test = nil, nil, nil
	tell("test", t)
	if file_limit_passed() or (state.fail_fast and t.verdict == VERDICT.fail) then
		state.stopped = true
		errors.raise(KIND.stop, "stopped")
	end
end

local function test(name, opts, fn)
	if type(opts) == "function" then opts, fn = nil, opts end
	if type(name) ~= "string" or type(fn) ~= "function" then
		error(("test: expected a name and a function, got %s and %s"):format(type(name), type(fn)), 2)
	end
	opts = options.check("test " .. name, opts, TEST_OPTIONS)
	if state.stopped then errors.raise(KIND.stop, "stopped") end
	if state.test then error(("test %q inside of test %q"):format(name, state.test.name), 2) end
	if state.names[name] then
		error(("test %q: there is one of that name already (line %s)"):format(name, state.names[name]), 2)
	end
	if harness.building then error("test: this is a fixture's script", 2) end
	state.names[name] = (where_now(3) or ""):match("%d+$") or "?"
	if state.filter and not name:find(state.filter) then return end
	if state.only and not state.only[show.clean(name)] then return end
	local t = { name = name, filter = evidence.filter(name), log = {}, start = core.now(), waited = 0 }
	state.tests[#state.tests + 1] = t
	tell("begin", t)
	run_test(t, opts, fn)
end

local function give_up(kind)
	return function(reason)
		if not state.test then error(kind .. ": only inside of a test", 2) end
		error(core.error { kind = kind, message = reason and tostring(reason) or nil }, 0)
	end
end

-- --- the rest of the API ---

local function log(...)
	local parts = table.pack(...)
	for i = 1, parts.n do
		local v = text.plain(parts[i])
		parts[i] = type(v) == "string" and v or show.value(v)
	end
	local into = state.test and state.test.log or state.log
	into[#into + 1] = show.clean(table.concat(parts, " ", 1, parts.n))
end

local WAIT_OPTIONS = { timeout = true, interval = true, desc = true }

function harness.wait_until(fn, opts)
	if type(fn) ~= "function" then
		error(("wait_until: expected a function, got %s"):format(type(fn)), 0)
	end
	opts = options.check("wait_until", opts, WAIT_OPTIONS)
	local timeout = options.seconds(opts.timeout or 10, "wait_until: timeout") * state.slowness
	local interval = options.seconds(opts.interval or 0.5, "wait_until: interval")
	local start = core.now()
	check.count = check.count + 1
	while true do
		local v = fn()
		if v then return v end
		local waited = core.now() - start
		if waited >= timeout then
			errors.raise(KIND.fail, "wait_until: %s did not come true in %.1f s",
				opts.desc or "condition", waited)
		end
		core.pause(math.min(interval, timeout - waited))
	end
end

local provium = {
	create = VM.create, pack = pack.pack, unpack = pack.unpack,
	IO = pack.IO, IOR = pack.IOR, IOW = pack.IOW, IOWR = pack.IOWR,
	errno = core.errno, nr = core.nr, const = require "provium.constants", race = VM.race,
}

function provium.fixture(name, opts) return fixture.clone(name, opts) end

function provium.shutdown_all()
	for _, vm in ipairs(harness.vms) do vm:shutdown() end
end

local CLAIM_OPTIONS = { memory = true, cpus = true }

function provium.claim(opts)
	opts = options.check("claim", opts, CLAIM_OPTIONS)
	if not opts.memory then error("claim: memory: expected a size like \"1G\", got nil", 2) end
	local memory, cpus = options.bytes(opts.memory, "claim: memory"), opts.cpus or 0
	if math.type(cpus) ~= "integer" or cpus < 0 then
		error(("claim: cpus: expected an integer, got %s"):format(tostring(cpus)), 2)
	end
	harness.take_turn(function() return core.claim(memory, cpus) end)
end

function provium.ignore(pattern, reason)
	if type(pattern) ~= "string" or type(reason) ~= "string" then
		error("ignore: expected a pattern and a reason", 2)
	end
	state.ignored[#state.ignored + 1] = { pattern = pattern, reason = reason, count = 0 }
end

-- provium.timeout = "10m" is an order, not a variable.
setmetatable(provium, {
	__newindex = function(_, key, value)
		if key ~= "timeout" then error(("provium.%s cannot be set"):format(tostring(key)), 2) end
		state.limit = options.seconds(value, "provium.timeout")
		harness.arm()
	end,
	__index = function(_, key)
		if key == "timeout" then return state.limit end
	end,
})

local function install_globals()
	for _, name in ipairs { "assert_eq", "assert_ne", "assert_contains", "assert_errno", "assert_error", "assert" } do
		_G[name] = check[name]
	end
	_G.provium, _G.test, _G.log, _G.wait_until = provium, test, log, harness.wait_until
	_G.skip, _G.todo = give_up(KIND.skip), give_up(KIND.todo)
	package.loaded.provium = provium
end

-- --- the record ---

-- Consoles and what QEMU said, of every VM this file still knows.
local function keep_logs(record)
	local stem = state.path:match("([^/]+)$"):gsub("%.lua$", ""):gsub("[^%w._-]", "_")
	local _, home = core.home()
	local dir = ("%s/logs/%s"):format(home, stem)
	for i, vm in ipairs(harness.vms) do
		local console, stderr = vm.core:console()
		for name, data in pairs { console = console, qemu = stderr } do
			local ok, why = core.write(("%s/%s-%d.log"):format(dir, name, i), data)
			if not ok then
				record.logs_error = why
				return
			end
		end
	end
	if #harness.vms > 0 then record.logs = dir end
end

local ORDER = { [VERDICT.broken] = 3, [VERDICT.fail] = 2, [VERDICT.ok] = 1, [VERDICT.skip] = 0, [VERDICT.todo] = 0 }

local function worst(record)
	local verdict = #state.tests > 0 and VERDICT.skip or VERDICT.ok
	for _, t in ipairs(state.tests) do
		if ORDER[t.verdict or VERDICT.fail] > ORDER[verdict] then verdict = t.verdict or VERDICT.fail end
	end
	if record.error and ORDER[record.error.verdict] > ORDER[verdict] then verdict = record.error.verdict end
	return verdict == VERDICT.skip and VERDICT.ok or verdict
end

-- A file without test() is one test of the file's own name.
local function whole_file_as_test(caught)
	local t = { name = state.path:match("([^/]+)$"):gsub("%.lua$", ""), log = state.log,
		seconds = core.now() - state.start }
	state.tests[1] = t
	if caught then
		t.verdict, t.message = judge(caught, true)
	else
		t.verdict = VERDICT.ok
	end
	hear_kernel(t)
	if t.verdict == VERDICT.ok and check.count == 0 then
		t.verdict, t.message = VERDICT.fail, "no check ran: a test without an assertion proves nothing"
	end
	if t.verdict == VERDICT.fail or t.verdict == VERDICT.broken then add_evidence(t, caught) end
	tell("test", t)
end

local function file_error(caught)
	local e = { log = state.log }
	e.verdict, e.message = judge(caught, false)
	add_evidence(e, caught)
	return e
end

local function judge_file(record, caught, is_load_error)
	local err = caught and caught.value
	if errors.kind_of(err) == KIND.stop then
		if file_limit_passed() then record.error = { verdict = VERDICT.fail, message =
			("the file's time limit of %g s was reached; what follows did not run"):format(state.limit * state.slowness) } end
		return
	end
	if next(state.names) == nil and not is_load_error then
		whole_file_as_test(caught)
		return
	end
	if caught then
		time_message(caught)
		record.error = file_error(caught)
		return
	end
	for _, line in ipairs(complaints()) do state.stray[#state.stray + 1] = line end
	if #state.stray > 0 then
		record.error = { verdict = VERDICT.fail, log = state.log, message =
			"the kernel complained outside of any test: " .. table.concat(state.stray, "\n") }
		add_evidence(record.error)
	end
end

local function finish(record)
	record.verdict = worst(record)
	if state.keep_logs then keep_logs(record) end
	fixture.drop_spare()
	for _, vm in ipairs(harness.vms) do vm:kill() end
	record.accel, record.release = state.accel, state.release
	record.seconds = core.now() - state.start - state.waited
	record.waited = state.waited > 0 and state.waited or nil
	record.ignored = 0
	for _, entry in ipairs(state.ignored) do record.ignored = record.ignored + entry.count end
	record.deps = {}
	for path in pairs(state.deps) do record.deps[#record.deps + 1] = path end
	table.sort(record.deps)
	tell("end", record)
end

-- A state for the file, and what its code can call.
function harness.begin(path, opts)
	opts = opts or {}
	local dir = path:match("^(.*)/[^/]*$") or "."
	state = {
		path = path, dir = dir, tests = {}, names = {}, deps = { [path] = true }, ignored = {},
		log = {}, stray = {}, heard = {}, clones = 0, slowness = 1, start = core.now(), waited = 0,
		limit = opts.limit or FILE_TIMEOUT, filter = opts.filter, only = opts.only, fail_fast = opts.fail_fast,
		tell = opts.tell or function() end,
	}
	VM.attach(harness)
	fixture.attach(harness)
end

-- Runs a fixture's script: true; or false and the error.  Its VMs are left running.
function harness.run_script(path, limit)
	harness.begin(path, { limit = limit })
	harness.building = { parents = {} }
	install_globals()
	environment.coroutines()
	environment.require(state.dir, harness.depend)
	local chunk, why = loadfile(path, "t")
	if not chunk then return false, why end
	harness.arm()
	local ok, caught = xpcall(chunk, handler)
	core.alarm(0)
	if ok then return true end
	if is_interrupt(caught) then return false, caught.value end
	time_message(caught)
	local _, message = judge(caught, false)
	return false, ("%s%s"):format(message, caught.where and "\n  at " .. caught.where or "")
end

-- Runs the file.  What happens goes to opts.tell as JSON text { event, item }: "begin" and
-- "test" for each test, "end" with the record but for its tests.  Only an interrupt is raised.
-- opts: tell; filter, a pattern; only, a set of names; fail_fast.
function harness.run(path, opts)
	harness.begin(path, opts)
	local record = { file = path }
	install_globals()
	environment.coroutines()
	environment.require(state.dir, harness.depend)
	local chunk, why = loadfile(path, "t")
	if not chunk then
		judge_file(record, { value = why }, true)
		return finish(record)
	end
	harness.arm()
	local ok, caught = xpcall(chunk, handler)
	core.alarm(0)
	if not ok and is_interrupt(caught) then
		fixture.drop_spare()
		for _, vm in ipairs(harness.vms) do vm:kill() end
		error(caught.value, 0)
	end
	judge_file(record, not ok and caught or nil)
	return finish(record)
end

return harness
