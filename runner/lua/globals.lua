-- SPDX-License-Identifier: GPL-2.0-only
-- The table provium, and the globals of a test file except test().

local core = require "provium.core"
local async = require "provium.async"
local check = require "provium.check"
local constants = require "provium.constants"
local errors = require "provium.errors"
local fixture = require "provium.fixture"
local limits = require "provium.limits"
local options = require "provium.options"
local pack = require "provium.pack"
local pointer = require "provium.pointer"
local session = require "provium.session"
local show = require "provium.show"
local test_log = require "provium.test_log"
local text = require "provium.text"
local VM = require "provium.vm"

local globals = {}

-- --- skip(), todo(), log() ---

-- Returns a function that ends the running test with an error of this kind.
local function end_test_with(kind)
	return function(reason)
		if not session.test then error(kind .. ": only inside of a test", 2) end
		error(core.error { kind = kind, message = reason and tostring(reason) or nil }, 0)
	end
end

local function log(...)
	local parts = table.pack(...)
	for i = 1, parts.n do
		local v = text.plain(parts[i])
		parts[i] = type(v) == "string" and v or show.value(v)
	end
	local lines = session.test and session.test.log or session.log
	test_log.add(lines, table.concat(parts, " ", 1, parts.n))
end

-- --- the table provium ---

local provium = {
	create = VM.create, race = async.race,
	pack = pack.pack, unpack = pack.unpack,
	out = pointer.out, inout = pointer.inout, struct = pointer.struct,
	IO = pack.IO, IOR = pack.IOR, IOW = pack.IOW, IOWR = pack.IOWR,
	errno = core.errno, nr = core.nr, const = constants,
}

function provium.fixture(name, opts) return fixture.clone(name, opts) end

function provium.shutdown_all()
	for _, vm in ipairs(session.vms) do vm:shutdown() end
end

local CLAIM_OPTIONS = { memory = true, cpus = true }

function provium.claim(opts)
	opts = options.check("claim", opts, CLAIM_OPTIONS)
	if not opts.memory then error("claim: memory: expected a size like \"1G\", got nil", 2) end
	local memory, cpus = options.bytes(opts.memory, "claim: memory"), opts.cpus or 0
	if math.type(cpus) ~= "integer" or cpus < 0 then
		error(("claim: cpus: expected an integer, got %s"):format(tostring(cpus)), 2)
	end
	limits.wait_at_gate(function() return core.claim(memory, cpus) end)
end

function provium.ignore(pattern, reason)
	if type(pattern) ~= "string" or type(reason) ~= "string" then
		error("ignore: expected a pattern and a reason", 2)
	end
	session.ignored[#session.ignored + 1] = { pattern = pattern, reason = reason, count = 0 }
end

-- Setting provium.timeout changes the file's time limit at once.
setmetatable(provium, {
	__newindex = function(_, key, value)
		if key ~= "timeout" then error(("provium.%s cannot be set"):format(tostring(key)), 2) end
		session.limit = options.seconds(value, "provium.timeout")
		limits.arm()
	end,
	__index = function(_, key)
		if key == "timeout" then return session.limit end
		if key == "profile" then return session.default_profile() end
	end,
})

-- Sets the globals. test: the function test().
function globals.install(test)
	local names = { "assert", "assert_eq", "assert_ne", "assert_contains", "assert_errno", "assert_error" }
	for _, name in ipairs(names) do
		_G[name] = check[name]
	end
	_G.provium, _G.test, _G.log, _G.wait_until = provium, test, log, limits.wait_until
	_G.skip, _G.todo = end_test_with(errors.KIND.skip), end_test_with(errors.KIND.todo)
	package.loaded.provium = provium
end

return globals
