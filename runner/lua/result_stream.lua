-- SPDX-License-Identifier: GPL-2.0-only
-- Reads the results of a program while it runs: gives its output to a parser
-- line by line, tells the parent process of each result, and notes which result
-- was running when the kernel's log grew.

local core = require "provium.core"
local errors = require "provium.errors"
local session = require "provium.session"
local show = require "provium.show"
local text = require "provium.text"

local stream = {}

local MAX_LINE_BYTES = 4096	-- most bytes of a line that a parser reads
local MAX_KEPT_BYTES = 64 << 10	-- most bytes of output that an error keeps
local NO_LIMIT = 0xffffffff	-- limit of the command's output, in bytes

local Stream = {}
Stream.__index = Stream

-- vm: the VM or worker; parser: that of ktap.new() or ltp.new(); streams: the
-- numbers of the output streams that the parser reads (1: stdout, 2: stderr).
function stream.new(vm, parser, streams)
	local rest = {}
	for _, n in ipairs(streams) do rest[n] = "" end
	return setmetatable({ vm = vm, parser = parser, rest = rest, kept = { "", "" }, marks = {} }, Stream)
end

-- --- what the kernel reported meanwhile ---
--
-- A mark { result, nr, from, to }: the kernel's log got the records numbered
-- from..to - 1 while this result or one of the nr - 1 after it was running.

-- Reads the kernel's log, if the console has grown since the last time. Returns
-- the number of the record that comes next.
local function log_position(vm)
	vm = vm.root
	if vm.core:console_size() ~= vm.console_read and vm:is_running() then pcall(vm.read_log, vm) end
	return vm.log_next
end

-- Notes the position in the kernel's log before the program starts.
function Stream:begin()
	self.from, self.last = log_position(self.vm), core.now()
end

-- Adds a mark for the first of nr results that came at once, if the kernel has
-- printed anything since the last mark.
local function mark(self, result, nr)
	local to = log_position(self.vm)
	if to == self.from then return end
	self.marks[#self.marks + 1] = { result = result, nr = nr, from = self.from, to = to }
	self.from = to
end

-- Tells the parent process of the new results. The first of them took the time
-- since the one before it.
local function tell(self)
	local fresh = self.parser.fresh
	if #fresh == 0 then return end
	self.parser.fresh = {}
	mark(self, fresh[1].result, #fresh)
	local now = core.now()
	fresh[1].result.seconds, self.last = now - self.last, now
	for _, item in ipairs(fresh) do
		local message = item.result.message
		session.tell(core.to_json { event = "result", item = { name = show.clean(item.path),
			verdict = item.result.verdict, message = message and show.clean(message) or nil } })
	end
end

-- --- the program's output ---

local function keep(self, n, data)
	self.kept[n] = (self.kept[n] .. data):sub(-MAX_KEPT_BYTES)
end

-- Takes the next bytes of an output stream.
local function feed(self, n, data)
	keep(self, n, data)
	if not self.rest[n] then return end
	local from, at = 1, data:find("\n", 1, true)
	while at do
		self.parser:take(self.rest[n] .. data:sub(from, at - 1))
		self.rest[n], from = "", at + 1
		at = data:find("\n", from, true)
	end
	self.rest[n] = (self.rest[n] .. data:sub(from)):sub(1, MAX_LINE_BYTES)
end

-- Takes the next bytes of stdout and stderr.
function Stream:take(output, errors_output)
	feed(self, 1, output)
	feed(self, 2, errors_output)
	tell(self)
end

-- Ends the streams. ended: see Parser:judge(). Returns what that does.
function Stream:judge(ended)
	for _, line in pairs(self.rest) do
		if line ~= "" then self.parser:take(line) end
	end
	tell(self)
	local out = self.parser:judge(ended)
	tell(self)
	if out.running then
		self.marks[#self.marks + 1] = { result = out.running, nr = 1, from = self.from, to = math.huge }
	end
	return out
end

-- Returns an object like the VM whose op() gives the output to this stream as
-- it comes.
local function stand_in(self)
	local function op(_, name, request, label, timeout)
		request.limit = NO_LIMIT
		return self.vm:op_with_output(name, request, label, timeout, function(...) self:take(...) end)
	end
	return setmetatable({ op = op }, { __index = self.vm })
end

-- Calls a method, which runs a command, and takes the command's output. Returns
-- as pcall() does. An error object has the end of the output.
function Stream:call(method, ...)
	self:begin()
	local ok, r = pcall(method, stand_in(self), ...)
	if ok or errors.kind_of(r) and r.stdout then
		self:take(r.stdout.value, r.stderr.value)
		r.stdout, r.stderr = text.new(self.kept[1]), text.new(self.kept[2])
	end
	return ok, r
end

-- --- failing the results to which complaints belong ---

-- Fails each result that has a failed result nested in it. Returns true if
-- there is a failed result in the list.
local function spread(list)
	local failed = false
	for _, result in ipairs(list) do
		local inner = result.results and spread(result.results)
		if inner and result.verdict == errors.VERDICT.ok then
			result.verdict, result.message = errors.VERDICT.fail, "a result in it failed"
		end
		failed = failed or inner or result.verdict == errors.VERDICT.fail
	end
	return failed
end

local function add_complaint(mark_, complaint)
	local result = mark_.result
	local when = mark_.nr > 1 and (" while this or one of the next %d results was running"):format(mark_.nr - 1) or ""
	local message = ("the kernel complained%s: %s"):format(when, complaint.title)
	result.verdict = errors.VERDICT.fail
	result.message = result.message and message .. "\n" .. result.message or message
end

-- Was the kernel's complaint logged while the mark's result was running? A
-- complaint that is only on the console, whose guest has ended, belongs to the
-- last result.
local function is_meanwhile(complaint, m)
	if not complaint.seq then return m.to == math.huge end
	return complaint.seq >= m.from and complaint.seq < m.to
end

-- Fails the results of a test that were running when a kernel complained.
-- complaints: those that the test did not expect.
function stream.blame(test, complaints)
	for _, complaint in ipairs(complaints) do
		for _, m in ipairs(test.result_marks or {}) do
			if m.vm == complaint.vm and is_meanwhile(complaint, m) then
				add_complaint(m, complaint)
			end
		end
	end
	if test.results then spread(test.results) end
	test.result_marks = nil
end

-- Keeps marks in the log of a VM until the test is judged.
function stream.add_marks(vm, marks)
	local test = session.test
	if not test then return end
	test.result_marks = test.result_marks or {}
	for _, m in ipairs(marks) do
		m.vm = vm.root
		table.insert(test.result_marks, m)
	end
end

return stream
