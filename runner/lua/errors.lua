-- SPDX-License-Identifier: GPL-2.0-only
-- Error kinds and verdicts, and raising an error object of a kind.

local core = require "provium.core"

-- A set of constants; a name that is not in it is a mistake in this program.
local function constants(set)
	return setmetatable(set, { __index = function(_, name)
		error("unknown constant " .. tostring(name), 2)
	end })
end

local errors = {}

-- The field `kind` of an error object.  Those of runner/base/err.h:
errors.KIND = constants {
	user = "user",			-- wrong use by the test's author
	op = "op",			-- the guest refused an operation
	guest = "guest",		-- the guest died
	broken = "broken",		-- the infrastructure failed
	timeout = "timeout",		-- an operation's deadline passed
	interrupted = "interrupted",	-- by a signal, or by a time limit of test or file
-- and those that only Lua raises:
	fail = "fail",			-- an assertion failed
	skip = "skip",			-- skip() was called
	todo = "todo",			-- todo() was called
	stop = "stop",			-- the rest of the file must not run
}

-- The field `verdict` of tests and files in a record.
errors.VERDICT = constants {
	ok = "ok", fail = "FAIL", broken = "BROKEN", skip = "skip", todo = "todo",
}

function errors.new(kind, fmt, ...)
	return core.error { kind = kind, message = fmt:format(...) }
end

function errors.raise(kind, fmt, ...) error(errors.new(kind, fmt, ...), 0) end

-- The same of kind "op", with the errno's name as a field (nil: unknown).
function errors.raise_errno(errno, fmt, ...)
	local err = errors.new(errors.KIND.op, fmt, ...)
	err.errno = errno
	error(err, 0)
end

-- The kind of an error value; nil if it is not an error object.
function errors.kind_of(err) return type(err) == "table" and err.kind or nil end

return errors
