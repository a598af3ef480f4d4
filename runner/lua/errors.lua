-- SPDX-License-Identifier: GPL-2.0-only
-- Error kinds and verdicts, and raising an error object of a kind.

local core = require "provium.core"

local errors = {}

-- Returns a table that raises an error when an unknown name is read.
local function constants(set)
	return setmetatable(set, { __index = function(_, name)
		error("unknown constant " .. tostring(name), 2)
	end })
end

-- The values of the field `kind` of an error object.
errors.KIND = constants {
	-- enum err_kind, runner/base/err.h
	user = "user", op = "op", guest = "guest", broken = "broken",
	timeout = "timeout", interrupted = "interrupted",
	-- raised by Lua code only
	fail = "fail",		-- a failed assertion
	skip = "skip",		-- raised by skip()
	todo = "todo",		-- raised by todo()
	stop = "stop",		-- the tests that follow must not run
}

-- The values of the field `verdict` of tests, files and file errors in a
-- record.
errors.VERDICT = constants {
	ok = "ok", fail = "FAIL", broken = "BROKEN", skip = "skip", todo = "todo",
}

local ERROR_METATABLE = debug.getmetatable(core.error {})

-- Returns the kind of an error value; nil if it is not an error object. A table
-- made by the test that has a field `kind` is not one.
function errors.kind_of(err)
	return type(err) == "table" and rawequal(debug.getmetatable(err), ERROR_METATABLE) and err.kind or nil
end

function errors.new(kind, fmt, ...)
	return core.error { kind = kind, message = fmt:format(...) }
end

function errors.raise(kind, fmt, ...) error(errors.new(kind, fmt, ...), 0) end

-- Returns the message of an error object without the console's end, which
-- reports show as evidence.
function errors.without_console(err)
	if not err.console then return err.message end
	return (err.message:sub(1, -#err.console - 1):gsub("; console ends:$", ""))
end

-- Raises an error of kind "op" with the field errno: the errno's name, or nil.
function errors.raise_errno(errno, fmt, ...)
	local err = errors.new(errors.KIND.op, fmt, ...)
	err.errno = errno
	error(err, 0)
end

-- Raises an agent's fail message as an error of kind "op": "read_file /x:
-- ENOENT".  The field reason is the message's enum wire_reason
-- (agent/wire/protocol.h).
function errors.raise_fail_message(fail, label)
	local errno, err
	if fail.err == 0 then
		err = errors.new(errors.KIND.op, "%s: %s", label, fail.text)
	else
		errno = core.errno[fail.err] or ("errno " .. fail.err)
		if fail.text ~= "" and not label:find(fail.text, 1, true) then
			label = ("%s: %s"):format(label, fail.text)
		end
		err = errors.new(errors.KIND.op, "%s: %s", label, errno)
	end
	err.errno, err.reason = errno, fail.reason
	err.stream1, err.stream2 = fail.stream1, fail.stream2
	error(err, 0)
end

return errors
