-- SPDX-License-Identifier: GPL-2.0-only
-- Time limits: of the file, of the running test, and of wait_until().

local core = require "provium.core"
local check = require "provium.check"
local errors = require "provium.errors"
local options = require "provium.options"
local session = require "provium.session"

local limits = {}

local MIN_ALARM_S = 0.001	-- an alarm of 0 seconds would mean none
local ABORT_POLL_S = 0.002
local ABORT_MAX_POLLS = 1000
local ABORT_TIMEOUT_S = 1	-- a supervisor that runs answers at once
local REPORT_TIMEOUT_S = 5	-- the agent looks for half a second, and the kernel reports
local PING_TIMEOUT_S = 5

limits.CALL_S = 60		-- default of vm.timeout
local BLOCKED_S = 8		-- the error comes within 10 s

-- Returns the time limit of a call of this VM or worker, in seconds, unscaled;
-- and, unless the test has set a limit, that for a call that is blocked
-- (runner/vm/look.h), which is not scaled: a guest that waits needs no time.
-- timeout: what the call itself asks for, or nil.
function limits.of_call(target, timeout)
	local seconds = options.seconds(timeout or target.timeout, "timeout")
	return seconds, not timeout and seconds == limits.CALL_S and BLOCKED_S or nil
end

-- Returns the file's deadline, on the clock of core.now().
local function file_deadline_s()
	return session.start + session.waited + session.limit * session.slowness
end

function limits.file_is_over() return not session.under_gdb and core.now() >= file_deadline_s() end

function limits.file_message()
	return ("the file's time limit of %g s was reached"):format(session.limit * session.slowness)
end

-- Sets the alarm for the test's limit or the file's, whichever comes first.
function limits.arm()
	local deadline_s, test = file_deadline_s(), session.test
	if test and test.limit then
		deadline_s = math.min(deadline_s, test.start + test.waited + test.limit * session.slowness)
	end
	if deadline_s == math.huge or session.under_gdb then
		core.alarm(0)
	else
		core.alarm(math.max(MIN_ALARM_S, deadline_s - core.now()))
	end
end

local function add_kernel(info)
	if not info.release or info.release == "" then return end
	local kernel = info.profile .. " " .. info.release
	for _, known in ipairs(session.kernels) do
		if known == kernel then return end
	end
	table.insert(session.kernels, kernel)
end

-- Records facts about a VM that has booted or was resumed: info is its
-- core:info(). The first VM measures the machine, which scales the limits that
-- are running.
function limits.booted(info)
	session.accel, session.release = info.accel or session.accel, info.release
	add_kernel(info)
	if session.slowness ~= info.slowness then
		session.slowness = info.slowness
		limits.arm()
	end
end

-- Calls fn, which waits at the gate and returns the number of seconds that it
-- waited. The limits do not count these, because the test cannot influence
-- them. An error of fn is raised.
function limits.wait_at_gate(fn)
	core.alarm(0)
	local ok, waited_s = pcall(fn)
	if ok then
		session.waited = session.waited + waited_s
		if session.test then session.test.waited = session.test.waited + waited_s end
	end
	limits.arm()
	if not ok then error(waited_s, 0) end
end

local function is_free(vm)
	local reply, fail = vm.core:call("echo", { data = "" }, "echo", 1, PING_TIMEOUT_S)
	return reply or fail.reason ~= core.wire_reason.BUSY
end

local function abort(vm, abandon, timeout_s)
	return vm:supervisor_op("abort", { channel = 0, abandon = abandon }, "abort", timeout_s).report
end

-- Aborts all calls in a guest and waits until its executor can take the next
-- one; one that does not end is given up. Returns where the calls were; "" if
-- there were none. If a task of theirs loops in the kernel, the guest's log has
-- a report on it.
function limits.abort_calls(vm)
	local was_at, polls = abort(vm, 0, ABORT_TIMEOUT_S), 0
	if was_at == "" then return "" end
	while not is_free(vm) and polls < ABORT_MAX_POLLS do
		polls = polls + 1
		core.pause(ABORT_POLL_S)
	end
	abort(vm, polls == ABORT_MAX_POLLS and 1 or 0, REPORT_TIMEOUT_S)
	return was_at
end

-- If the alarm of a limit raised err: turns it into a timeout whose message
-- names the limit, and aborts the calls in the guests. Other errors stay
-- unchanged.
function limits.name_limit(err)
	if errors.kind_of(err) ~= errors.KIND.interrupted then return end
	err.kind = errors.KIND.timeout
	err.message = limits.file_is_over() and limits.file_message() or "the test's time limit was reached"
	local places = ""
	for number, vm in ipairs(session.vms) do
		if vm:is_running() then
			local ok, was_at = pcall(limits.abort_calls, vm)
			local death = not vm:is_running() and vm.core:death()
			if death then
				local reason = errors.without_console(death)
				err.message = ("%s; VM %d: %s"):format(err.message, number, reason)
			elseif ok and was_at ~= "" then
				places = ("%s\nin VM %d these calls were running:\n%s"):format(places, number, was_at)
			end
		end
	end
	err.message = err.message .. places
end

local WAIT_OPTIONS = { timeout = true, interval = true, desc = true }

function limits.wait_until(fn, opts)
	if type(fn) ~= "function" then
		error(("wait_until: expected a function, got %s"):format(type(fn)), 0)
	end
	opts = options.check("wait_until", opts, WAIT_OPTIONS)
	local timeout_s = options.seconds(opts.timeout or 10, "wait_until: timeout") * session.slowness
	local interval_s = options.seconds(opts.interval or 0.5, "wait_until: interval")
	local start = core.now()
	check.count = check.count + 1
	while true do
		local value = fn()
		if value then return value end
		local waited_s = core.now() - start
		if waited_s >= timeout_s and not session.under_gdb then
			errors.raise(errors.KIND.fail, "wait_until: %s did not come true in %.1f s",
				opts.desc or "condition", waited_s)
		end
		core.pause(math.max(0, math.min(interval_s, timeout_s - waited_s)))
	end
end

return limits
