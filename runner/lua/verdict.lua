-- SPDX-License-Identifier: GPL-2.0-only
-- From what happened to a verdict: an error, a panic, kernel complaints.
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

-- "file:line" of the innermost function on the stack that is user code, from level on.
function verdict.user_line(level)
	for l = level, level + MAX_STACK_DEPTH do
		local info = debug.getinfo(l, "Sl")
		if not info then return nil end
		if info.source:sub(1, 1) == "@" and info.currentline > 0 then
			return ("%s:%d"):format(info.source:sub(2), info.currentline)
		end
	end
end

-- A message handler for core.protected_call(): makes a caught error of an error value.
function verdict.catch(err)
	return { value = err, where = verdict.user_line(3) }
end

-- The message of an error that is no error object.  A position that Lua has put
-- before it becomes caught.where.
local function plain_message(caught)
	local err = caught.value
	local message = type(err) == "string" and err or show.value(err)
	local position, rest = message:match("^(.-:%d+): (.*)$")
	local tail = position and position:gsub("^%.%.%.", "")	-- Lua cuts long paths
	if position and (not caught.where or caught.where:sub(-#tail) == tail) then
		caught.where, message = caught.where or position, rest
	end
	return message
end

-- The verdict and message for a caught error.  in_test: the guest was under a
-- test's control, so that its death is a failure of that test.
function verdict.of_error(caught, in_test)
	local err = caught.value
	local kind = errors.kind_of(err)
	if not kind then return VERDICT.fail, plain_message(caught) end
	local message = err.message
	if message ~= nil and type(message) ~= "string" then message = show.value(message) end
	if kind == KIND.skip then return VERDICT.skip, message end
	if kind == KIND.todo then return VERDICT.todo, message end
	if kind == KIND.broken or kind == KIND.guest and not in_test then
		return VERDICT.broken, message
	end
	return VERDICT.fail, message
end

-- True if a signal to the runner has raised the error, not a time limit.
function verdict.is_interrupt(caught)
	return errors.kind_of(caught.value) == KIND.interrupted and core.interrupted()
end

local function fail(t, fmt, ...) t.verdict, t.message = VERDICT.fail, fmt:format(...) end

-- Fails a test that passed so far but for the kernel's complaints: expect, a pattern
-- or nil, must match one, and no other is allowed.
function verdict.apply_complaints(t, expect)
	local found, others = false, {}
	for _, line in ipairs(kernel_log.take_complaints()) do
		if expect and line:find(expect) then found = true else others[#others + 1] = line end
	end
	if expect then check.count = check.count + 1 end
	if t.verdict ~= VERDICT.ok then return end
	if expect and not found then
		fail(t, "expected a complaint of the kernel that matches %q; there was none", expect)
	elseif #others > 0 then
		fail(t, "the kernel complained: %s", table.concat(others, "\n"))
	end
end

-- The set of VMs whose guests have panicked.
function verdict.panicked_vms()
	local set = {}
	for _, vm in ipairs(session.vms) do set[vm] = vm.core:info().panicked or nil end
	return set
end

local function has_panicked_since(before)
	for vm in pairs(verdict.panicked_vms()) do
		if not before[vm] then return true end
	end
end

-- For a test with expect_panic: it passes if a guest has panicked that is not in
-- before, even if the panic raised the error that ended the test.
function verdict.apply_panic(t, caught, before)
	check.count = check.count + 1
	if not has_panicked_since(before) then
		if t.verdict == VERDICT.ok then fail(t, "expected the guest to panic; it did not") end
	elseif caught and errors.kind_of(caught.value) == KIND.guest then
		t.verdict, t.message = VERDICT.ok, nil
	end
end

-- Fails a test that passed without an assertion.
function verdict.apply_check_count(t)
	if t.verdict == VERDICT.ok and check.count == 0 then
		fail(t, "no check ran: a test without an assertion proves nothing")
	end
end

function verdict.is_failure(t) return t.verdict == VERDICT.fail or t.verdict == VERDICT.broken end

local RANK = {
	[VERDICT.broken] = 3, [VERDICT.fail] = 2, [VERDICT.ok] = 1, [VERDICT.skip] = 0, [VERDICT.todo] = 0,
}

-- The file's verdict: the worst of its tests' and of file_error's (nil: none).  A
-- file whose tests are all skipped is ok.
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
