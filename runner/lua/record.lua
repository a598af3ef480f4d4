-- SPDX-License-Identifier: GPL-2.0-only
-- The record of a test file, from which every report is made
-- (runner/report/record.h).

local core = require "provium.core"
local errors = require "provium.errors"
local evidence = require "provium.evidence"
local session = require "provium.session"
local show = require "provium.show"
local stack = require "provium.stack"
local test_log = require "provium.test_log"
local verdict = require "provium.verdict"

local KIND, VERDICT = errors.KIND, errors.VERDICT

local NR_SOURCE_LINES = 4	-- of the test, before and after the line that failed

local record = {}

-- Returns a copy in which the strings are such that any report can contain
-- them, and without empty tables.
local function clean_all(v)
	if type(v) == "string" then return show.clean(v) end
	if type(v) ~= "table" then return v end
	local out = {}
	for k, item in pairs(v) do
		if type(item) ~= "table" or next(item) ~= nil then out[k] = clean_all(item) end
	end
	return out
end

-- Sends an event to the parent process: "begin" or "test" with a test's record,
-- "end" with the file's.  Every test is sent at once, so that a crash loses no
-- verdict.
function record.tell(event, item)
	if item.log then test_log.trim(item.log) end
	session.tell(core.to_json(clean_all { event = event, item = item }))
end

-- Makes the record of a new test. The fields start and waited are removed when
-- the test ends.
function record.new_test(name)
	local t = { name = name, filter = evidence.filter(name), log = {}, start = core.now(), waited = 0 }
	session.tests[#session.tests + 1] = t
	record.tell("begin", t)
	return t
end

-- Sends where a signal has interrupted the file; once. caught: the error.
function record.tell_interrupt(caught)
	local t, message = session.test or {}, caught.value.message
	record.tell("interrupted", {
		name = t.name, seconds = core.now() - (t.start or session.start), where = caught.where,
		call = message:match "^(.-): interrupted", state = message:match "; in the guest: (.*)$",
	})
	session.told_interrupt = true
end

-- Adds the fields that only failures have. item: the record of a test, or a
-- file's error; caught: the error, or nil; complaints: the kernel's complaints,
-- or nil.
function record.add_evidence(item, caught, complaints)
	item.where = caught and caught.where or item.where
	item.source = item.where and stack.source_around(item.where, NR_SOURCE_LINES)
	item.chaos = session.chaos
	item.complaints = evidence.complaints(session.vms, complaints or {})
	item.kernel = evidence.kernel(session.vms, session.test)
	local err = caught and caught.value
	item.setup = errors.kind_of(err) and err.setup or nil
	if item.verdict == VERDICT.broken and errors.kind_of(err) == KIND.guest then item.setup = true end
	local has_console = errors.kind_of(err) and err.console and item.message == err.message
	item.consoles = evidence.consoles(has_console and {} or session.vms, session.test, complaints or {})
	item.message = item.message and evidence.message(session.vms, session.test, item.message)
	session.keep_logs = true
end

-- If a test or the file has failed, writes the consoles of the VMs and the
-- output of their QEMUs to the folder for logs.
function record.keep_logs()
	if not session.keep_logs then return end
	local dir = session.output_folder("logs")
	for i, vm in ipairs(session.vms) do
		for name, data in pairs { console = (vm.core:console()), qemu = vm.core:stderr() } do
			local ok, reason = core.write(("%s/%s-%d.log"):format(dir, name, i), data)
			if not ok then
				session.logs_error = reason
				return
			end
		end
	end
	if #session.vms > 0 then session.logs = dir end
end

-- Sends the file's record. file_error: { verdict, message, … } of the error
-- that ended the file or was raised outside of its tests, or nil. goes_on: this
-- process does not end yet (keep.lua).
function record.tell_end(file_error, goes_on)
	if file_error and file_error.log then test_log.trim(file_error.log) end
	local file = { file = session.path, error = file_error, verdict = verdict.of_file(file_error) }
	file.logs, file.logs_error = session.logs, session.logs_error
	file.accel, file.release = session.accel, session.release
	file.kernels = #session.kernels > 0 and table.concat(session.kernels, ", ") or nil
	file.seconds = core.now() - session.start - session.waited
	file.waited = session.waited > 0 and session.waited or nil
	file.memory = core.peak_memory() > 0 and core.peak_memory() >> 20 or nil
	file.ignored = 0
	for _, entry in ipairs(session.ignored) do file.ignored = file.ignored + entry.count end
	file.notes = session.notes
	file.deps = session.input_paths()
	file.changed = session.changed_input(file.deps)
	if file.changed then
		table.insert(file.notes, ("%s has changed during the run, so make runs this file again"):format(file.changed))
	end
	file.timeline = core.timeline()
	file.goes_on = goes_on or nil
	record.tell("end", file)
end

return record
