-- SPDX-License-Identifier: GPL-2.0-only
-- The guests' kernel logs, and the complaints in them.
--
-- A complaint is a report in which the kernel says that something is wrong with
-- it, as a table { kind, title, fatal, panic, vm, lines = texts }; see
-- runner/complaint/parser.h.
--
-- Every record crosses the connection once.  A VM's log is the list of lines
-- read so far; log_from_user has the numbers of lines that user space wrote;
-- log_next is the sequence number of the record to read next, log_judged the
-- number of lines that were searched for complaints.  The log of a clone lacks
-- the lines from before its fixture was saved (log_is_cut) until dmesg() is
-- called.
--
-- The kernel's flags and counters are a second witness: if they have changed
-- and the log has no report, a complaint was missed. taint and warnings are
-- their values when the log was judged last; nr_complaints is the number of
-- complaints that were found, including ignored ones.
--
-- The console is searched as well if the log cannot be read, has lost records,
-- or was lost with the guest. console_judged is the offset up to which the
-- console was searched; console_read is its size when the log was read last.

local core = require "provium.core"
local VERDICT = require "provium.errors".VERDICT
local session = require "provium.session"

local kernel_log = { methods = {} }
local methods = kernel_log.methods

local LAST_READ_TIMEOUT_S = 2
local KERNEL_FACILITY = 0	-- priority >> 3 of the kernel's own records (syslog(2))

-- Decodes the "\\x0a" of /dev/kmsg, except control characters.
local function unescape(text)
	return (text:gsub("\\x(%x%x)", function(digits)
		local byte = tonumber(digits, 16)
		return (byte == 0x0a or byte == 0x09 or byte >= 0x20) and byte ~= 0x7f and string.char(byte) or nil
	end))
end

-- Parses "prio,seq,usec,…;text" of /dev/kmsg
-- (Documentation/ABI/testing/dev-kmsg). Returns the sequence number, the list
-- of lines that dmesg(1) prints, and true if user space wrote it.  Returns
-- nothing for any other text, and for numbers of more than 15 digits: no kernel
-- counts that far, and Lua would read them as floats.
function kernel_log.parse_record(record)
	local priority, seq, usec, text = record:match("^(%d+),(%d+),(%d+)[^;]*;(.*)$")
	if not priority or #priority > 15 or #seq > 15 or #usec > 15 then return end
	usec = tonumber(usec)
	local stamp, lines = ("[%5d.%06d] "):format(usec // 1000000, usec % 1000000), {}
	for line in (unescape(text):gsub("\n$", "") .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = stamp .. line end
	return tonumber(seq), lines, tonumber(priority) >> 3 ~= KERNEL_FACILITY
end

local function add_record(vm, record)
	local seq, lines, is_from_user = kernel_log.parse_record(record)
	if not seq then return end
	if seq > vm.log_next then vm.log_lost = (vm.log_lost or 0) + seq - vm.log_next end
	vm.log_next = seq + 1
	for _, line in ipairs(lines) do
		local n = #vm.log + 1
		vm.log[n] = line
		vm.log_from_user[n] = is_from_user or nil
	end
end

-- Reads the new lines. Returns the list of all lines. timeout_s: the time limit
-- of the call.
function methods:read_log(timeout_s)
	self = self.root
	self.console_read = self.core:console_size()
	local reply = self:supervisor_op("kmsg", { from = self.log_next }, "dmesg", timeout_s)
	for record in reply.stream1:gmatch("[^\n]+") do add_record(self, record) end
	self.log_next = reply.next
	self.new_taint, self.new_warnings = reply.taint, reply.warnings
	return self.log
end

-- Reads the log again, from its first record.
local function read_from_start(vm)
	local nr_known = #vm:read_log()
	local lost = vm.log_lost
	vm.log, vm.log_from_user, vm.log_next, vm.log_is_cut = {}, {}, 0, false
	vm.log_judged = vm.log_judged + #vm:read_log() - nr_known
	vm.log_lost = lost
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

-- --- searching for complaints ---

-- Returns true if the Lua pattern matches the complaint's title or one of its
-- lines.
function kernel_log.matches(complaint, pattern)
	if complaint.title:find(pattern) then return true end
	for _, line in ipairs(complaint.lines) do
		if line:find(pattern) then return true end
	end
	return false
end

local function is_ignored(complaint)
	for _, entry in ipairs(session.ignored) do
		if kernel_log.matches(complaint, entry.pattern) then
			entry.count = entry.count + 1
			return true
		end
	end
end

-- Did an earlier test cause what this complaint reports, and was it told so?
-- The report of a state that lasts comes again, also as one of another kind,
-- and long after its cause. The running test must not use the VM.
local function is_old(vm, complaint)
	local before = vm.used_by
	return complaint.lasts and before ~= session.test and
		(vm.is_stuck or vm.has_crashed or before ~= nil and before.verdict == VERDICT.fail)
end

-- Adds the complaints in the lines (false: a line to skip) to found, except
-- those that are ignored or old, and those whose title is in known. first_seq:
-- the number of the first line's record, which becomes a complaint's field seq;
-- or nil.
local function find_complaints(vm, lines, found, known, first_seq)
	for _, complaint in ipairs(core.complaints(lines, 1)) do
		vm.nr_complaints = vm.nr_complaints + 1
		complaint.seq = first_seq and first_seq + complaint.lines[1] - 1
		for i, n in ipairs(complaint.lines) do complaint.lines[i] = lines[n] end
		complaint.vm = vm
		vm.has_crashed = vm.has_crashed or complaint.fatal
		-- What follows a hang's report comes of the runner's NMI: lockdep reports
		-- locks that are taken in an NMI.
		local is_known = vm.has_hung or known and known[complaint.title] or is_old(vm, complaint)
		vm.has_hung = vm.has_hung or complaint.kind == "hang"
		if not is_known and not is_ignored(complaint) then
			found[#found + 1] = complaint
			vm.is_stuck = vm.is_stuck or complaint.lasts
		end
	end
end

-- Adds a report of the VM's kernel that is not in its log.
function kernel_log.add_report(vm, lines) find_complaints(vm, lines, session.kept_complaints) end

-- Excludes lines of the VM's log from the search for complaints: those from
-- line number `first` on that match the pattern. The kernel wrote them in
-- answer to the runner.
function kernel_log.disown(vm, first, pattern)
	for i = first, #vm.log do
		if vm.log[i]:find(pattern) then vm.log_from_user[i] = true end
	end
end

-- The agent's report of an endless loop begins with its own mark.
local LOOP_MARK = "%] provium: tasks that were killed still run in the kernel: [%d ]+$"

local function log_lines(vm, first)
	local lines = {}
	for i = first, #vm.log do
		local line = vm.log[i]
		lines[#lines + 1] = (not vm.log_from_user[i] or line:find(LOOP_MARK)) and line or false
	end
	return lines
end

-- Searches the lines of the log that were not searched yet.
local function search_lines(vm, found)
	find_complaints(vm, log_lines(vm, vm.log_judged + 1), found, nil, vm.log_next - #vm.log + vm.log_judged)
end

-- Returns the time of a line of the kernel's log; nil if it shows none.
function kernel_log.stamp_of(line) return tonumber(line and line:match("^%[ *(%d+%.%d+)%]")) end

-- Returns the lines of a text of the console without those that the log had
-- already: a record appears on the console later than in the log.
local function console_lines(vm, text)
	local last, lines = kernel_log.stamp_of(vm.log[vm.log_judged]), {}
	for line in text:gmatch("[^\r\n]+") do
		local stamp = kernel_log.stamp_of(line)
		if not (last and stamp and stamp <= last) then lines[#lines + 1] = line end
	end
	return lines
end

-- Looks for complaints in the lines that a running VM's log got since the last
-- search, and adds them to found. Returns true; or false and the error if the
-- log could not be read.
local function search_log(vm, found)
	local ok, err = pcall(vm.read_log, vm)
	if not ok then return false, err end
	search_lines(vm, found)
	return true
end

local function search_console(vm, found)
	local known = {}
	for _, complaint in ipairs(found) do
		if complaint.vm == vm then known[complaint.title] = true end
	end
	-- After a restore the VM has another console.
	if vm.core:console_size() < vm.console_judged then vm.console_judged = 0 end
	local text, size = vm.core:console(vm.console_judged)
	local lines = console_lines(vm, text)
	find_complaints(vm, lines, found, known)
	vm.console_judged = size
	return #lines
end

-- The flags of Documentation/admin-guide/tainted-kernels.rst that tell of a
-- fault.
local FAULT_FLAGS = {
	[5] = "B: a bad page", [7] = "D: an oops", [9] = "W: a WARNING", [14] = "L: a soft lockup",
}

-- Compares the kernel's flags and counters to those of the last time. Returns
-- nothing; or what they tell, if no complaint was found that explains it.
local function check_counters(vm, number, nr_before)
	local taint, warnings = vm.taint, vm.warnings
	vm.taint, vm.warnings = vm.new_taint, vm.new_warnings
	if vm.nr_complaints > nr_before then return end
	for bit, meaning in pairs(FAULT_FLAGS) do
		if vm.taint & ~taint & 1 << bit ~= 0 then
			return ("the kernel of VM %d is tainted (%s), and its log has no report of that"):format(number, meaning)
		end
	end
	if vm.warnings > warnings then
		return ("the kernel of VM %d has counted a WARNING or an oops, and its log has no report of that"):format(number)
	end
end

-- Searches the log and the console of a running VM for what its kernel has
-- printed since the last time. Returns nothing, or why a complaint could have
-- been missed.
local function search_running(vm, number, found)
	local before, nr_before = vm.log_judged, vm.nr_complaints
	local ok, err = search_log(vm, found)
	if not vm:is_running() then return end	-- the VM died meanwhile: search_ended() searches it
	local lost = vm.log_lost
	vm.log_lost = nil
	if not ok then
		search_console(vm, found)
		if vm.used_by ~= session.test then return end
		return ("the kernel log of VM %d cannot be read: %s"):format(number, tostring(err))
	end
	if lost then
		local nr_console = search_console(vm, found)
		vm.log_judged = #vm.log
		if nr_console < lost + #vm.log - before then
			return ("%d kernel log records of VM %d were lost"):format(lost, number)
		end
	end
	vm.log_judged, vm.console_judged = #vm.log, vm.core:console_size()
	return check_counters(vm, number, nr_before)
end

local function search_ended(vm, found)
	if vm.console_is_final then return end
	vm.console_is_final = true
	search_lines(vm, found)
	vm.log_judged = #vm.log
	search_console(vm, found)
end

-- Returns the complaints of all VMs since the last call, and a list of reasons
-- why others could have been missed.
function kernel_log.take_complaints()
	local found, problems = session.kept_complaints, session.kept_problems
	session.kept_complaints, session.kept_problems = {}, {}
	for number, vm in ipairs(session.vms) do
		local state = vm.core:info().state
		if vm.core:lives() then
			problems[#problems + 1] = search_running(vm, number, found)
		end
		if state ~= "not booted" and not vm:is_running() then search_ended(vm, found) end
	end
	return found, problems
end

-- Returns a sentence about the reasons that take_complaints() has returned.
function kernel_log.missing(problems) return table.concat(problems, "\n") .. ": a complaint may be missing" end

-- Returns true if the kernel has said that its timers are as coarse as its
-- ticks. That happens to guests with several processors while the host is busy.
function kernel_log.has_coarse_timers(vm)
	return vm.core:console():find("Could not switch to high resolution mode", 1, true) ~= nil
end

-- Keeps what the next take_complaints() returns. To be called before a restore,
-- after which the guest's log does not have the complaints any more.
function kernel_log.keep_complaints()
	session.kept_complaints, session.kept_problems = kernel_log.take_complaints()
end

-- Calls take_complaints(), and keeps what it returns as caused by no test.
-- Returns all that was kept so.
function kernel_log.take_outside_complaints()
	local complaints, problems = kernel_log.take_complaints()
	table.move(complaints, 1, #complaints, #session.outside_complaints + 1, session.outside_complaints)
	table.move(problems, 1, #problems, #session.outside_problems + 1, session.outside_problems)
	return session.outside_complaints, session.outside_problems
end

-- Returns the complaints without those that have the title of an earlier one of
-- the same VM. The earlier one gets a field `again`, the list of these.
function kernel_log.combine(complaints)
	local list, first = {}, {}
	for _, complaint in ipairs(complaints) do
		local of_vm = first[complaint.vm] or {}
		local same = of_vm[complaint.title]
		first[complaint.vm] = of_vm
		if same then
			same.again[#same.again + 1] = complaint
		else
			complaint.again, of_vm[complaint.title] = {}, complaint
			list[#list + 1] = complaint
		end
	end
	return list
end

-- Returns the complaints' titles, one per line.
function kernel_log.titles(complaints)
	local titles = {}
	for i, complaint in ipairs(kernel_log.combine(complaints)) do
		local nr = #complaint.again + 1
		titles[i] = complaint.title .. (nr > 1 and (" (%d reports)"):format(nr) or "")
	end
	return table.concat(titles, "\n")
end

-- Reads a log for the last time, before the test ends its VM. In the log, text
-- from user space can be distinguished from the kernel's; on the console it
-- cannot.
function kernel_log.read_before_end(vm)
	if vm:is_running() then pcall(vm.read_log, vm, LAST_READ_TIMEOUT_S) end
end

return kernel_log
