-- SPDX-License-Identifier: GPL-2.0-only
-- Decides the verdict from what happened: an error, a panic, kernel complaints.
--
-- A caught error is a table { value =, where = "file:line" }; see catch().

local core = require "provium.core"
local check = require "provium.check"
local errors = require "provium.errors"
local kernel_log = require "provium.kernel_log"
local session = require "provium.session"
local show = require "provium.show"

local KIND, VERDICT = errors.KIND, errors.VERDICT

local verdict = {}

local MAX_STACK_DEPTH = 60	-- levels searched for a line of the test's code

-- Returns "file:line" of the innermost function on the stack that is user code,
-- from level on.
function verdict.user_line(level)
	for l = level, level + MAX_STACK_DEPTH do
		local info = debug.getinfo(l, "Sl")
		if not info then return nil end
		if info.source:sub(1, 1) == "@" and info.currentline > 0 then
			return ("%s:%d"):format(info.source:sub(2), info.currentline)
		end
	end
end

-- A message handler for core.protected_call(): turns an error value into a
-- caught error.
function verdict.catch(err)
	if session.on_error then session.on_error() end
	return { value = err, where = verdict.user_line(3) }
end

-- Returns the message of an error that is not an error object. A position that
-- Lua has put before the message becomes caught.where.
local function plain_message(caught)
	local err = caught.value
	if err == nil then return "nil was raised as an error; expected a message: error(\"...\")" end
	local message = type(err) == "string" and err or show.result(err)
	local position, rest = message:match("^(.-:%d+): (.*)$")
	local tail = position and position:gsub("^%.%.%.", "")	-- Lua shortens long paths
	if position and (not caught.where or caught.where:sub(-#tail) == tail) then
		caught.where, message = caught.where or position, rest
	end
	return message
end

-- Lua's own message for a refused allocation does not name the limit
-- (bind/memory.h).
local function explain_memory(caught, message)
	if message ~= "not enough memory" then return message end
	local explained, where = core.memory_error()
	caught.where = caught.where or where
	return explained or message
end

-- Returns the verdict and message for a caught error. in_test: the guest was
-- under a test's control, so that its death is a failure of that test.
function verdict.of_error(caught, in_test)
	local err = caught.value
	local kind = errors.kind_of(err)
	if not kind then return VERDICT.fail, explain_memory(caught, plain_message(caught)) end
	local message = err.message
	if message ~= nil and type(message) ~= "string" then message = show.value(message) end
	if kind == KIND.skip then return VERDICT.skip, message end
	if kind == KIND.todo then return VERDICT.todo, message end
	if kind == KIND.broken or kind == KIND.guest and not in_test then
		return VERDICT.broken, message
	end
	return VERDICT.fail, explain_memory(caught, message)
end

-- Returns true if a signal to the runner raised the error; false for a time
-- limit.
function verdict.is_interrupt(caught)
	return errors.kind_of(caught.value) == KIND.interrupted and core.interrupted()
end

local function fail(t, fmt, ...) t.verdict, t.message = VERDICT.fail, fmt:format(...) end

-- Returns the set of VMs that are dead.
function verdict.dead_vms()
	local set = {}
	for _, vm in ipairs(session.vms) do
		vm.core:lives()		-- handles what has happened to the VM
		if vm.core:info().state == "dead" then set[vm] = true end
	end
	return set
end

-- Removes the complaints for which is_one(complaint) is true; returns whether
-- there were any.
local function remove(complaints, is_one)
	local found = false
	for i = #complaints, 1, -1 do
		if is_one(complaints[i]) then
			table.remove(complaints, i)
			found = true
		end
	end
	return found
end

-- A WARNING that panics because of panic_on_warn is not the expected panic,
-- unless the test's pattern names it.
local function is_expected_panic(complaint, expect_panic)
	if not complaint.panic then return false end
	if expect_panic == true then return complaint.kind ~= "warning" end
	return kernel_log.matches(complaint, expect_panic)
end

-- Removes the panic that the test expects from the complaints.
local function take_panic(t, caught, complaints, expect_panic)
	local others = {}
	for _, complaint in ipairs(complaints) do
		if complaint.panic then others[#others + 1] = complaint end
	end
	check.count = check.count + 1
	if remove(complaints, function(c) return is_expected_panic(c, expect_panic) end) then
		if caught and errors.kind_of(caught.value) == KIND.guest then t.verdict, t.message = VERDICT.ok, nil end
	elseif t.verdict == VERDICT.ok or #others > 0 then
		fail(t, "expected the guest to panic%s; %s", expect_panic == true and "" or (" with a report that matches %q"):format(expect_panic),
			#others > 0 and "it panicked with: " .. kernel_log.titles(others) or "it did not")
	end
end

-- Returns messages about the guests that died although the test does not expect
-- it.
local function deaths_since(before, opts)
	local list = {}
	for number, vm in ipairs(session.vms) do
		local info, death = vm.core:info(), vm.core:death()
		if info.state == "dead" and not before[vm] and death.kind == KIND.guest and
				not (opts.expect_panic and info.panicked) and not opts.expect_reset then
			list[#list + 1] = ("VM %d: %s"):format(number, errors.without_console(death))
		end
	end
	return list
end

-- Do the complaints explain the error? An oops explains all that comes after
-- it, another complaint a call that timed out and the death of a guest.
local function explains(complaints, caught)
	if not caught then return false end
	for _, complaint in ipairs(complaints) do
		if complaint.fatal then return true end
	end
	local kind = errors.kind_of(caught.value)
	return kind == KIND.timeout or kind == KIND.guest
end

-- Judges a test by the complaints of its guests' kernels and the state of the
-- guests. opts.expect, a pattern, must match a complaint, opts.expect_panic a
-- panic; no other complaint, and no death of a guest, is allowed. dead_before:
-- what dead_vms() returned before the test. Returns the unexpected complaints.
function verdict.apply_kernel(t, caught, opts, dead_before)
	local complaints, problems = kernel_log.take_complaints()
	local is_met
	if opts.expect then
		check.count = check.count + 1
		is_met = false
		for _, complaint in ipairs(complaints) do
			is_met = is_met or kernel_log.matches(complaint, opts.expect)
		end
	end
	if opts.expect_panic then take_panic(t, caught, complaints, opts.expect_panic) end
	if opts.expect then remove(complaints, function(c) return kernel_log.matches(c, opts.expect) end) end
	local deaths = deaths_since(dead_before, opts)
	if #complaints > 0 and (t.verdict == VERDICT.ok or explains(complaints, caught)) then
		local message = t.message
		if message and errors.kind_of(caught.value) and message == caught.value.message then
			message = errors.without_console(caught.value)
		end
		fail(t, "the kernel complained: %s", kernel_log.titles(complaints))
		if message then t.message = ("%s\n%s"):format(t.message, message) end
	elseif t.verdict ~= VERDICT.ok then
		return complaints
	elseif is_met == false then
		fail(t, "expected a complaint of the kernel that matches %q; there was none", opts.expect)
	elseif #deaths > 0 then
		fail(t, "a guest died during the test: %s", table.concat(deaths, "\n"))
	elseif #problems > 0 then
		fail(t, "%s", kernel_log.missing(problems))
	end
	return complaints
end

-- Fails a test, or a file without test(), that passed without a check.
function verdict.apply_check_count(t, is_file)
	if t.verdict == VERDICT.ok and check.count == 0 then
		fail(t, is_file and "the file has no test(…), and no check ran in it" or
			"no check ran: a test without an assertion proves nothing")
	end
end

function verdict.is_failure(t) return t.verdict == VERDICT.fail or t.verdict == VERDICT.broken end

local RANK = {
	[VERDICT.broken] = 3, [VERDICT.fail] = 2, [VERDICT.ok] = 1, [VERDICT.skip] = 0, [VERDICT.todo] = 0,
}

-- Returns the file's verdict: the worst one of its tests and of file_error
-- (nil: none). A file whose tests are all skipped is ok.
function verdict.of_file(file_error)
	local worst = VERDICT.ok
	local function take(its_verdict)
		if RANK[its_verdict] > RANK[worst] then worst = its_verdict end
	end
	for _, t in ipairs(session.tests) do take(t.verdict or VERDICT.fail) end
	if file_error then take(file_error.verdict) end
	return worst
end

return verdict
