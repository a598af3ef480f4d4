-- SPDX-License-Identifier: GPL-2.0-only
-- Calls in flight: async(), batch() and race().
--
-- Every method that calls the guest does so with op(), which sends a request
-- and waits. Here the method runs in a coroutine, on a stand-in for the VM
-- whose op() yields the request. The code that resumes the coroutine sends the
-- request, and passes the reply to resume().

local core = require "provium.core"
local errors = require "provium.errors"
local limits = require "provium.limits"
local options = require "provium.options"

local methods, async = {}, {}

local MAX_BATCH_CALLS = 1000		-- most calls in one request
local MAX_BATCH_BYTES = 4 << 20		-- most bytes of one request, and of its reply
local RESULT_BYTES = 100		-- most bytes of one result without its buffers
local MAX_RACE_NUMBER = 0xffffffff	-- the largest u32, which is the type on the wire
local DEFAULT_ROUNDS = 100

-- Methods that are a single op without data frames. Only these can be used in a
-- batch or a race.
local SINGLE_OP = {
	syscall = true, syscall_buf = true, syscall_bufs = true, syscall_ptr = true, ioctl = true, ioctl_buf = true,
	module_call = true,
}

local ASYNC = { exec = true, run = true, json = true, read_file = true, write_file = true, insmod = true, rmmod = true,
	background = true, job_wait = true, job_kill = true, mount_vfs = true }
for method in pairs(SINGLE_OP) do ASYNC[method] = true end

local function check_method(caller, target, method, allowed)
	if not allowed[method] then
		error(("%s: cannot call %s; it can call: %s"):format(caller,
			type(method) == "string" and method .. "()" or tostring(method), options.names(allowed)), 0)
	end
	return target[method]
end

-- The original functions, which do not tell the core about coroutines
-- (environment.lua). A method runs so briefly between two ops that no time
-- limit needs to interrupt it.
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

-- Returns an object like the VM or worker, with an op() that yields instead of
-- calling.
local function stand_in_for(target)
	local stand_in = rawget(target, "stand_in")
	if not stand_in then
		stand_in = setmetatable({
			op = function(_, name, request, label, timeout)
				if target.channel ~= 1 then label = target:full_label(label) end
				local reply, fail = yield(name, request, label, timeout)
				return reply or errors.raise_fail_message(fail, label)
			end,
		}, { __index = target })
		rawset(target, "stand_in", stand_in)
	end
	return stand_in
end

-- Runs fn, a method, up to its first op.  Returns the coroutine and what
-- resume() returned: true and the request, or true and the method's results, or
-- false and its error.
local function begin(target, fn, ...)
	local co = create(fn)
	return co, resume(co, stand_in_for(target), ...)
end

-- --- async(): a call in flight ---

-- A call in flight. Fields: target; label, that of the op in flight; co, the
-- call's coroutine; tag, that of the op's request; timeout, the op's time
-- limit. A call that is over has results or a failure.
local Call = {}
Call.__index = Call

-- Takes the values that resume() returned. Sends the next op's request, or ends
-- the call.
local function advance(call, ok, ...)
	if not ok then
		call.failure, call.over = { (...) }, true
	elseif coroutine.status(call.co) == "dead" then
		call.results, call.over = table.pack(...), true
	else
		local name, request
		name, request, call.label, call.timeout = ...
		call.tag = call.target.core:submit(name, request, call.label, call.target.channel)
	end
end

-- Waits for the reply to the op in flight, and advances the call with it.
local function await_op(call, timeout)
	local answer = table.pack(pcall(call.target.core.await, call.target.core, call.tag, call.label,
		limits.of_call(call.target, timeout or call.timeout)))
	if not answer[1] then
		call.failure, call.over = { answer[2] }, true
		return
	end
	local ok, err = pcall(advance, call, resume(call.co, answer[2], answer[3]))
	if not ok then call.failure, call.over = { err }, true end
end

-- Returns true once wait() would return at once.
function Call:done()
	while not self.over do
		if not self.target.core:arrived(self.tag) then return false end
		await_op(self)
	end
	return true
end

-- Returns the method's results, or raises its error; does the same each time it
-- is called.
function Call:wait(timeout)
	while not self.over do await_op(self, timeout) end
	if self.failure then error(self.failure[1], 0) end
	return table.unpack(self.results, 1, self.results.n)
end

function methods:async(method, ...)
	local fn = check_method("async", self, method, ASYNC)
	self:check_free("async " .. method)
	local call = setmetatable({ target = self, label = method }, Call)
	local begun = table.pack(begin(self, fn, ...))
	call.co = begun[1]
	advance(call, table.unpack(begun, 2, begun.n))
	if call.failure then error(call.failure[1], 0) end	-- bad arguments; nothing was sent
	self.calls_in_flight[self.channel] = call
	return call
end

-- --- batch(): many calls in few requests ---

-- Returns a call's entry in the batch's list: its results, or { err = … } if
-- the guest or an assertion refused it. Raises any other error.
local function outcome(ok, first, ...)
	if ok then return { first, ... } end
	local kind = errors.kind_of(first)
	if kind == errors.KIND.op or kind == errors.KIND.fail then return { err = first } end
	error(first, 0)
end

-- Returns how many bytes the reply to a syscall request can have.
local function reply_bytes(request)
	local n = RESULT_BYTES
	for _, seg in ipairs(request.segs or {}) do n = n + RESULT_BYTES + (seg.out == 1 and seg.len or 0) end
	return n
end

-- Sends the prepared calls as one request, and puts their outcomes into list.
local function send_run(vm, run, list)
	if #run == 0 then return end
	local items = {}
	for i, call in ipairs(run) do items[i] = call.item end
	local reply = vm:op("batch", { rounds = 1, calls = items }, ("batch of %d calls"):format(#run))
	for i, call in ipairs(run) do
		local result = reply.results[i]
		list[call.position] = outcome(resume(call.co, core.decode(call.name, result.kind, result.payload)))
	end
end

-- Makes all calls of a batch in order. Consecutive prepared calls go into one
-- request, the others are made one by one. Returns the list of the outcomes.
local function send_all(vm, calls)
	local list, run, nr_bytes = {}, {}, 0
	local function flush()
		send_run(vm, run, list)
		run, nr_bytes = {}, 0
	end
	for position, call in ipairs(calls) do
		call.position = position
		if call.item then
			local size = math.max(#call.item.payload, call.reply_bytes)
			if #run == MAX_BATCH_CALLS or nr_bytes + size > MAX_BATCH_BYTES then flush() end
			run[#run + 1], nr_bytes = call, nr_bytes + size
		else
			flush()
			list[position] = outcome(pcall(call.fn, vm, table.unpack(call.args, 1, call.args.n)))
		end
	end
	flush()
	return list
end

-- Returns the encoded request of a method that is a single op. Raises an error
-- if the arguments are bad.
local function prepare(target, fn, ...)
	local co, ok, name, request, label = begin(target, fn, ...)
	if not ok then error(name, 0) end
	local number, payload = core.encode(name, request)
	return { co = co, name = name, label = label, item = { op = number, payload = payload },
		reply_bytes = request.segs and reply_bytes(request) or RESULT_BYTES }
end

function methods:batch(fn)
	if type(fn) ~= "function" then error(("batch: expected a function, got %s"):format(type(fn)), 0) end
	local calls = {}
	fn(setmetatable({}, {
		__index = function(b, method)
			local method_fn = check_method("batch", self, method, ASYNC)
			local function add(_, ...)
				calls[#calls + 1] = SINGLE_OP[method] and prepare(self, method_fn, ...) or
					{ fn = method_fn, args = table.pack(...) }
			end
			b[method] = add
			return add
		end,
	}))
	return send_all(self, calls)
end

-- --- race(): two calls at the same time ---

local last_race = 0

-- Returns a side { target =, fn =, args = } for its spec {worker, method,
-- arguments…}.
local function new_side(which, spec)
	if type(spec) ~= "table" or type(spec[1]) ~= "table" or not spec[1].channel then
		error(("race: %s side: expected {worker, method, …}"):format(which), 0)
	end
	local fn = check_method("race", spec[1], spec[2], SINGLE_OP)
	spec[1]:check_free("race")
	return { target = spec[1], fn = fn, args = table.pack(table.unpack(spec, 3, spec.n or #spec)) }
end

local function prepare_side(side)
	return prepare(side.target, side.fn, table.unpack(side.args, 1, side.args.n))
end

-- Sends the calls of one side. number: that of the race; holder: the channel
-- (the executor) that keeps the race's state in the guest; side_number: 0 or 1.
local function submit_side(side, number, rounds, holder, side_number)
	local call = prepare_side(side)
	side.label = ("race: %s"):format(call.label)
	side.tag = side.target.core:submit("batch", {
		rounds = rounds, race = number, holder = holder, side = side_number, calls = { call.item },
	}, side.label, side.target.channel)
end

local function await_side(side)
	return pcall(function()
		local reply, fail = side.target.core:await(side.tag, side.label, limits.of_call(side.target))
		return (reply or errors.raise_fail_message(fail, side.label)).results
	end)
end

-- Raises the error for a round that has a result of one side only.
local function raise_race_ended()
	local err = errors.new(errors.KIND.op, "race: the other side of the race had ended")
	err.reason = core.wire_reason.RACE_ENDED
	error(err, 0)
end

-- Returns the results of one side's method in a round, taken from the round's
-- reply.
local function round_results(side, result)
	if not result then raise_race_ended() end
	local co = begin(side.target, side.fn, table.unpack(side.args, 1, side.args.n))
	local values = table.pack(resume(co, core.decode("syscall", result.kind, result.payload)))
	if not values[1] then error(values[2], 0) end
	return table.move(values, 2, values.n, 1, {})
end

-- Raises the error of one of two sides (nil: that side has none); preferably
-- one that is not a mere consequence of the other side's end.
local function raise_cause(a_err, b_err)
	local is_consequence = errors.kind_of(a_err) and a_err.reason == core.wire_reason.RACE_ENDED
	error((not a_err or is_consequence and b_err) and b_err or a_err, 0)
end

-- Runs rounds of the race with one request to each side, and appends their
-- results to list.
local function run_rounds(a, b, rounds, list)
	last_race = last_race % (MAX_RACE_NUMBER - 1) + 1
	submit_side(a, last_race, rounds, a.target.channel, 0)
	submit_side(b, last_race, rounds, a.target.channel, 1)
	local a_ok, a_results = await_side(a)
	local b_ok, b_results = await_side(b)
	if not a_ok or not b_ok then raise_cause(not a_ok and a_results, not b_ok and b_results) end
	for i = 1, math.max(#a_results, #b_results) do
		local a_round = { pcall(round_results, a, a_results[i]) }
		local b_round = { pcall(round_results, b, b_results[i]) }
		if not a_round[1] or not b_round[1] then
			raise_cause(not a_round[1] and a_round[2], not b_round[1] and b_round[2])
		end
		list[#list + 1] = { a_round[2], b_round[2] }
	end
end

local RACE_OPTIONS = { rounds = true }

-- provium.race(first, second, { rounds = }): returns a list of { results of
-- first, results of second }.
function async.race(first, second, opts)
	opts = options.check("race", opts, RACE_OPTIONS)
	local rounds = opts.rounds or DEFAULT_ROUNDS
	if math.type(rounds) ~= "integer" or rounds < 1 then
		error(("race: rounds: expected an integer of 1 or more, got %s"):format(tostring(rounds)), 0)
	end
	local a, b = new_side("first", first), new_side("second", second)
	if a.target.root ~= b.target.root or a.target.channel == b.target.channel then
		error("race: expected two workers of one VM, or the VM and a worker of it", 0)
	end
	local list = {}
	local bytes_per_round = math.max(prepare_side(a).reply_bytes, prepare_side(b).reply_bytes)
	local max_rounds = math.max(1, MAX_BATCH_BYTES // bytes_per_round)
	while #list < rounds do run_rounds(a, b, math.min(max_rounds, rounds - #list), list) end
	return list
end

async.methods = methods
return async
