-- SPDX-License-Identifier: GPL-2.0-only
-- The guests' kernel logs, and the complaints in them.
--
-- Every line crosses the connection once.  A VM's log is the list of lines read
-- so far; log_next is the sequence number of the record to read next, log_judged
-- the number of lines that were searched for complaints.  The log of a clone lacks
-- the lines from before its fixture was saved (log_is_cut) until dmesg() is called.

local core = require "provium.core"
local session = require "provium.session"

local kernel_log = { methods = {} }
local methods = kernel_log.methods

-- Reads the lines that are new; returns the list of all lines.
function methods:read_log()
	self = self.root
	local reply = self:supervisor_op("kmsg", { from = self.log_next }, "dmesg")
	self.log_next = reply.next
	for line in reply.stream1:gmatch("[^\n]+") do self.log[#self.log + 1] = line end
	return self.log
end

-- Reads the log again from its first record.
local function read_from_start(vm)
	local nr_known = #vm:read_log()
	vm.log, vm.log_next, vm.log_is_cut = {}, 0, false
	vm.log_judged = vm.log_judged + #vm:read_log() - nr_known
end

function methods:dmesg(pattern)
	local lines = {}
	self = self.root
	if self.log_is_cut then read_from_start(self) end
	for _, line in ipairs(self:read_log()) do
		if not pattern or line:find(pattern) then lines[#lines + 1] = line .. "\n" end
	end
	return table.concat(lines)
end

local function is_ignored(line)
	for _, entry in ipairs(session.ignored) do
		if line:find(entry.pattern) then
			entry.count = entry.count + 1
			return true
		end
	end
end

-- The complaints in all running VMs' logs since the last call, as lines.  A VM may
-- die while its log is read: its death is judged elsewhere, so the error is dropped.
function kernel_log.take_complaints()
	local found = session.kept_complaints
	session.kept_complaints = {}
	for _, vm in ipairs(session.vms) do
		if vm:is_running() and pcall(vm.read_log, vm) then
			for i = (vm.log_judged or 0) + 1, #vm.log do
				local line = vm.log[i]
				if core.complaint(line) and not is_ignored(line) then found[#found + 1] = line end
			end
			vm.log_judged = #vm.log
		end
	end
	return found
end

-- Keeps the new complaints for the next take_complaints().  To be called before a
-- restore, after which the guest's log does not have them any more.
function kernel_log.keep_complaints()
	session.kept_complaints = kernel_log.take_complaints()
end

-- Takes the new complaints as ones that no test has caused.
function kernel_log.take_outside_complaints()
	local list = session.outside_complaints
	for _, line in ipairs(kernel_log.take_complaints()) do list[#list + 1] = line end
	return list
end

return kernel_log
