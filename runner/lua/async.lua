-- SPDX-License-Identifier: GPL-2.0-only
-- Calls in flight: async, batch, race.
--
-- Any method ends in op(), which waits.  Here the method runs in a coroutine,
-- on a stand-in for the VM whose op() yields the request instead; whoever
-- drives the coroutine sends it, and resumes with what came back.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"

local BATCH_CALLS = 1000	-- in one request
local BATCH_BYTES = 4 << 20	-- of one request, or of the reply it may have
local RESULT_BYTES = 100	-- what one takes beside its buffers, at most

-- One op each, which sends no data frames: these fit into a batch and a race.
local SINGLE = {
	syscall = true, syscall_buf = true, syscall_bufs = true, syscall_ptr = true, ioctl = true, ioctl_buf = true,
	module_call = true,
}

return function(VM)

local ASYNC = { exec = true, json = true, read_file = true, write_file = true, insmod = true, rmmod = true,
	background = true, job_wait = true, job_kill = true, mount_vfs = true }
for method in pairs(SINGLE) do ASYNC[method] = true end

local function names(set)
	local list = {}
	for name in pairs(set) do list[#list + 1] = name end
	table.sort(list)
	return table.concat(list, ", ")
end

local function check_method(who, method, allowed)
	if not allowed[method] then
		error(("%s: %s cannot be; these can: %s"):format(who, type(method) == "string" and method .. "()" or
			tostring(method), names(allowed)), 0)
	end
	return VM[method]
end

-- A method runs between two ops and never for long: it needs no time limit of its own.
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

-- The VM or worker, but with an op() that yields.
local function stand_in(target)
	local double = rawget(target, "double")
	if not double then
		double = setmetatable({
			op = function(_, name, request, what, timeout)
				if target.channel ~= 1 then what = target:label(what) end
				local reply, fail = yield(name, request, what, timeout)
				return reply or VM.result(nil, fail, what)
			end,
		}, { __index = target })
		rawset(target, "double", double)
	end
	return double
end

-- The method's coroutine, run to its first op: true and the request, or what it returned.
local function begin(target, fn, ...)
	local co = create(fn)
	return co, resume(co, stand_in(target), ...)
end

-- --- async ---

local Call = {}
Call.__index = Call

-- Takes what a resume returned: another request to send, or the end.
local function advance(call, ok, ...)
	if not ok then
		call.failure, call.over = { (...) }, true
	elseif coroutine.status(call.co) == "dead" then
		call.results, call.over = table.pack(...), true
	else
		local name, request
		name, request, call.what, call.timeout = ...
		call.tag = call.target.core:submit(name, request, call.what, call.target.channel)
	end
end

-- Waits for the op under way, and goes on to the next or to the end.
local function settle(call, timeout)
	local seconds = options.seconds(timeout or call.timeout or call.target.timeout, "wait: timeout")
	local answer = table.pack(pcall(call.target.core.await, call.target.core, call.tag, call.what, seconds))
	if not answer[1] then
		call.failure, call.over = { answer[2] }, true
		return
	end
	local ok, err = pcall(advance, call, resume(call.co, answer[2], answer[3]))
	if not ok then call.failure, call.over = { err }, true end
end

function Call:done()
	while not self.over do
		if not self.target.core:arrived(self.tag) then return false end
		settle(self)
	end
	return true
end

-- As often as one likes: it is the same result each time.
function Call:wait(timeout)
	while not self.over do settle(self, timeout) end
	if self.failure then error(self.failure[1], 0) end
	return table.unpack(self.results, 1, self.results.n)
end

function VM:async(method, ...)
	local fn = check_method("async", method, ASYNC)
	self:check_free("async " .. method)
	local call = setmetatable({ target = self, what = method }, Call)
	local begun = table.pack(begin(self, fn, ...))
	call.co = begun[1]
	advance(call, table.unpack(begun, 2, begun.n))
	if call.failure then error(call.failure[1], 0) end	-- bad arguments, before anything was sent
	self.flights[self.channel] = call
	return call
end

-- --- batch ---

-- What a call gave: a list, or { err = … }.  What is nobody's answer is raised.
local function outcome(ok, first, ...)
	if ok then return { first, ... } end
	local kind = errors.kind_of(first)
	if kind == errors.KIND.op or kind == errors.KIND.fail then return { err = first } end
	error(first, 0)
end

local function room_for_reply(request)
	local n = RESULT_BYTES
	for _, seg in ipairs(request.segs or {}) do n = n + RESULT_BYTES + (seg.out == 1 and seg.len or 0) end
	return n
end

-- Sends what was gathered as one request.
local function flush(vm, run, list)
	if #run == 0 then return end
	local items = {}
	for i, call in ipairs(run) do items[i] = call.item end
	local reply = vm:op("batch", { rounds = 1, calls = items }, ("batch of %d calls"):format(#run))
	for i, call in ipairs(run) do
		local result = reply.results[i]
		list[call.at] = outcome(resume(call.co, core.decode(call.name, result.kind, result.payload)))
	end
end

-- Calls that fit together go together, in order; the others one by one between them.
local function send(vm, calls)
	local list, run, bytes = {}, {}, 0
	local function flush_run()
		flush(vm, run, list)
		run, bytes = {}, 0
	end
	for at, call in ipairs(calls) do
		call.at = at
		if call.item then
			local size = math.max(#call.item.payload, call.room)
			if #run == BATCH_CALLS or bytes + size > BATCH_BYTES then flush_run() end
			run[#run + 1], bytes = call, bytes + size
		else
			flush_run()
			list[at] = outcome(pcall(call.fn, vm, table.unpack(call.args, 1, call.args.n)))
		end
	end
	flush_run()
	return list
end

-- A single call's request, ready for a batch; raises for bad arguments.
local function prepare(target, fn, ...)
	local co, ok, name, request, what = begin(target, fn, ...)
	if not ok then error(name, 0) end
	local number, payload = core.encode(name, request)
	return { co = co, name = name, what = what, item = { op = number, payload = payload },
		room = request.segs and room_for_reply(request) or RESULT_BYTES }
end

function VM:batch(fn)
	if type(fn) ~= "function" then error(("batch: expected a function, got %s"):format(type(fn)), 0) end
	local calls = {}
	fn(setmetatable({}, {
		__index = function(b, method)
			local method_fn = check_method("batch", method, ASYNC)
			local function add(_, ...)
				calls[#calls + 1] = SINGLE[method] and prepare(self, method_fn, ...) or
					{ fn = method_fn, args = table.pack(...) }
			end
			b[method] = add
			return add
		end,
	}))
	return send(self, calls)
end

-- --- race ---

local last_race = 0

local function side_of(which, spec)
	if type(spec) ~= "table" or type(spec[1]) ~= "table" or not spec[1].channel then
		error(("race: %s side: expected {worker, method, …}"):format(which), 0)
	end
	local fn = check_method("race", spec[2], SINGLE)
	spec[1]:check_free("race")
	return { target = spec[1], fn = fn, args = table.pack(table.unpack(spec, 3, spec.n or #spec)) }
end

-- Sends one side's share of the rounds.
local function start_side(side, number, rounds, holder, n)
	local call = prepare(side.target, side.fn, table.unpack(side.args, 1, side.args.n))
	side.what = ("race: %s"):format(call.what)
	side.tag = side.target.core:submit("batch", {
		rounds = rounds, race = number, holder = holder, side = n, calls = { call.item },
	}, side.what, side.target.channel)
end

local function await_side(side)
	return pcall(function()
		local reply, fail = side.target.core:await(side.tag, side.what, options.seconds(side.target.timeout, "timeout"))
		return VM.result(reply, fail, side.what).results
	end)
end

-- What one side's method makes of a round's result.
local function finish(side, result)
	if not result then errors.raise(errors.KIND.op, "race: the other side of the race had ended") end
	local co = begin(side.target, side.fn, table.unpack(side.args, 1, side.args.n))
	local values = table.pack(resume(co, core.decode("syscall", result.kind, result.payload)))
	if not values[1] then error(values[2], 0) end
	return table.move(values, 2, values.n, 1, {})
end

-- Of two failures, the one that is not the other's echo.
local function raise_first(a_err, b_err)
	local echo = type(a_err) == "table" and tostring(a_err.message):find("other side of the race", 1, true)
	error((not a_err or echo and b_err) and b_err or a_err, 0)
end

local function run_rounds(a, b, rounds, into)
	last_race = last_race % 0xfffffffe + 1
	start_side(a, last_race, rounds, a.target.channel, 0)
	start_side(b, last_race, rounds, a.target.channel, 1)
	local a_ok, a_results = await_side(a)
	local b_ok, b_results = await_side(b)
	if not a_ok or not b_ok then raise_first(not a_ok and a_results, not b_ok and b_results) end
	for i = 1, math.max(#a_results, #b_results) do
		local one = { pcall(finish, a, a_results[i]) }
		local other = { pcall(finish, b, b_results[i]) }
		if not one[1] or not other[1] then raise_first(not one[1] and one[2], not other[1] and other[2]) end
		into[#into + 1] = { one[2], other[2] }
	end
end

local RACE_OPTIONS = { rounds = true }

function VM.race(first, second, opts)
	opts = options.check("race", opts, RACE_OPTIONS)
	local rounds = opts.rounds or 100
	if math.type(rounds) ~= "integer" or rounds < 1 then
		error(("race: rounds: expected an integer of 1 or more, got %s"):format(tostring(rounds)), 0)
	end
	local a, b = side_of("first", first), side_of("second", second)
	if a.target.root ~= b.target.root or a.target.channel == b.target.channel then
		error("race: the two sides must be two workers of one VM (the VM itself counts as one)", 0)
	end
	local list = {}
	local room = math.max(prepare(a.target, a.fn, table.unpack(a.args, 1, a.args.n)).room,
		prepare(b.target, b.fn, table.unpack(b.args, 1, b.args.n)).room)
	local most = math.max(1, BATCH_BYTES // room)
	while #list < rounds do run_rounds(a, b, math.min(most, rounds - #list), list) end
	return list
end

end
