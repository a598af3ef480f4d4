-- SPDX-License-Identifier: GPL-2.0-only
-- Snapshots of a running VM.
--
-- A restore also removes the lines that the VM's kernel log got after the
-- snapshot.

local kernel_log = require "provium.kernel_log"

local methods = {}

local CANNOT_RECORD = "snapshot: a VM that is being recorded cannot be saved; leave out --record"

function methods:snapshot()
	if self.channel ~= 1 then error("snapshot: expected a VM, got a worker", 0) end
	if self.recorded then error(CANNOT_RECORD, 0) end
	self:read_log()
	local core_snapshot, log_next = self.core:snapshot()
	self:read_log()		-- includes the mark that core:snapshot() has left in the log
	return {
		vm = self, core = core_snapshot,
		log_next = log_next, nr_lines = #self.log, log_is_cut = self.log_is_cut,
		taint = self.new_taint, warnings = self.new_warnings,
		has_crashed = self.has_crashed, is_stuck = self.is_stuck,
	}
end

function methods:restore(snapshot)
	if type(snapshot) ~= "table" or snapshot.vm ~= self then
		error(("restore: expected a snapshot of this VM, got %s"):format(
			type(snapshot) == "table" and "one of another" or type(snapshot)), 0)
	end
	kernel_log.keep_complaints()
	self.core:restore(snapshot.core)
	for channel in pairs(self.calls_in_flight) do self.calls_in_flight[channel] = nil end
	for i = #self.log, snapshot.nr_lines + 1, -1 do self.log[i] = nil end
	self.log_next, self.log_is_cut = snapshot.log_next + 1, snapshot.log_is_cut
	self.taint, self.warnings = snapshot.taint, snapshot.warnings
	self.log_judged = math.min(self.log_judged, snapshot.nr_lines)
	self.console_is_final, self.has_hung = false, false
	self.has_crashed, self.is_stuck = snapshot.has_crashed, snapshot.is_stuck
end

return { methods = methods }
