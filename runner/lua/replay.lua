-- SPDX-License-Identifier: GPL-2.0-only
-- provium replay DIR: runs a recorded VM again. See recording.lua.

local core = require "provium.core"
local errors = require "provium.errors"
local gdb = require "provium.gdb"
local gdb_replay = require "provium.gdb_replay"
local quote = require "provium.quote"
local read_file = require "provium.read_file"
local recording = require "provium.recording"
local session = require "provium.session"

local replay = {}

local function refuse(fmt, ...) errors.raise(errors.KIND.user, fmt, ...) end

-- --- reading the recording ---

-- Returns the folder of the recording in dir: dir itself, or its only vm-N.
local function find(dir)
	if core.realpath(dir .. "/recording.json") then return dir end
	local found = {}
	for _, name in ipairs(core.list(dir)) do
		if name:find("^vm%-%d+$") then found[#found + 1] = dir .. "/" .. name end
	end
	if #found == 0 then
		refuse("%s has no recording.json: it is not the recording of a VM; `provium test --record FILE` makes one below out/record when a test fails", dir)
	end
	if #found > 1 then refuse("%s has the recordings of %d VMs; choose one: %s", dir, #found, table.concat(found, " ")) end
	return found[1]
end

local function load(dir)
	dir = find(dir)
	local r = core.json(read_file(dir .. "/recording.json") or "")
	local is_whole = type(r) == "table" and math.type(r.format) == "integer"
	if is_whole and r.format ~= recording.FORMAT then
		refuse("%s is a recording of format %d, and this provium reads format %d; record the test again", dir, r.format, recording.FORMAT)
	end
	is_whole = is_whole and math.type(r.shift) == "integer" and r.shift >= 0 and r.shift <= recording.MAX_SHIFT
	for _, key in ipairs { "inputs", "events", "options" } do is_whole = is_whole and type(r[key]) == "table" end
	if not is_whole then
		refuse("%s/recording.json is damaged; record the test again (provium test --record)", dir)
	end
	r.dir, r.console = dir, read_file(dir .. "/console.log")
	if not r.console or not core.realpath(dir .. "/log") then
		refuse("%s lacks its %s; record the test again (provium test --record)", dir, r.console and "log" or "console.log")
	end
	if core.hash_file(dir .. "/log") ~= r.log then
		refuse("%s/log is damaged: it is not what was recorded; record the test again (provium test --record)", dir)
	end
	return r
end

-- --- what has changed since the recording ---

-- Returns the first line in which the texts differ, of each.
local function first_difference(before, now)
	local a, b = before:gmatch("[^\n]*"), now:gmatch("[^\n]*")
	while true do
		local x, y = a(), b()
		if x ~= y then return x or "nothing", y or "nothing" end
		if x == nil then return "nothing", "nothing" end
	end
end

local INPUTS = {
	{ "qemu", "QEMU is \"%s\", and was \"%s\"", function(before, now) return now, before end },
	{ "arguments", "a VM of this provium and profile has the argument \"%s\" in place of \"%s\"",
		function(before, now)
			local x, y = first_difference(before, now)
			return y, x
		end },
	{ "kernel", "the kernel of profile %s has been built anew or replaced", function(_, _, r) return r.profile end },
	{ "initrd", "the initramfs has changed: the agent, or a file that the test gives to boot()", function() end },
}

-- Refuses a recording whose QEMU, arguments, kernel or initramfs were other
-- ones. The replay would end somewhere with an error of QEMU that explains
-- nothing.
local function check_inputs(r, vm)
	local now = vm.core:inputs()
	for _, input in ipairs(INPUTS) do
		local name, text, values = table.unpack(input)
		if now[name] ~= r.inputs[name] then
			refuse("%s cannot be replayed: %s; record the test again, or go back to what it was recorded with",
				r.dir, text:format(values(r.inputs[name] or "", now[name], r)))
		end
	end
end

-- Starts the VM, which is stopped before its first instruction.
local function start(r)
	local ok, core_vm = pcall(core.vm, r.profile)
	if not ok then refuse("%s cannot be replayed: %s", r.dir, tostring(core_vm)) end
	local vm = { core = core_vm }
	vm.core:replay({
		memory = r.options.memory, cpus = 1, timeout = 0, append = r.options.append,
		files = r.options.files or {}, disks = {},
	}, r.dir .. "/log", r.shift)
	check_inputs(r, vm)
	return vm
end

-- --- the events at which a replay can stop ---

local function describe(e)
	if e.event == "test" then return ("the beginning of test %q"):format(e.title) end
	if e.event == "failing-call" then return ("the failing call, %s"):format(e.title) end
	return e.title
end

-- Returns the event of that name: its kind, a test's title, or a number of
-- instructions.
local function find_event(r, name)
	if name:find("^%d+$") then
		return { event = "number", title = "instruction " .. name, at = math.tointeger(tonumber(name)) }
	end
	local names, known = {}, {}
	for _, e in ipairs(r.events) do
		local its = e.event == "test" and e.title or e.event
		if its == name or its == "panic" and name == "complaint" then return e end
		if not known[its] then names[#names + 1] = ("%q"):format(its) end
		known[its] = true
	end
	refuse("--until %s: the recording has no such event; it has %s, and any number of instructions", name, table.concat(names, ", "))
end

-- Returns the instruction from which gdb looks for the complaint: the beginning
-- of the test before it.
local function before_complaint(r)
	local at = 0
	for _, e in ipairs(r.events) do
		if not e.at then return at end
		if e.event == "booted" or e.event == "test" then at = e.at end
	end
	return at
end

local function end_of(r)
	for _, e in ipairs(r.events) do
		if e.event == "end" then return e.at end
	end
	refuse("%s/recording.json is damaged: it has no end; record the test again", r.dir)
end

-- --- running the recorded guest ---

-- Lets the guest run up to the instruction, nil for the end. Returns the number
-- of the instruction at which it stands; nothing, after a message, if the guest
-- does not do what was recorded.
local function run_to(r, vm, at)
	local ok, count = pcall(vm.core.replay_to, vm.core, at, end_of(r))
	if ok then return count end
	if type(count) == "table" and count.kind == "interrupted" then error(count, 0) end
	print(("DIFFERENT from the recording: %s"):format(tostring(count)))
end

-- Returns nothing, or what differs from the recording.
local function difference(r, vm, count)
	if count ~= end_of(r) then return ("the guest ended after %d instructions, and not %d"):format(count, end_of(r)) end
	local console = vm.core:console()
	if console == r.console then return end
	local was, is = first_difference(r.console, console)
	return ("the console says\n  %s\nin place of\n  %s"):format(is, was)
end

local function show_end(vm)
	local lines = {}
	for line in vm.core:console():gmatch("[^\n]+") do lines[#lines + 1] = line end
	for i = math.max(1, #lines - 4), #lines do print("| " .. lines[i]) end
end

local function to_end(r, vm)
	local count = run_to(r, vm)
	if not count then return 1 end
	local differs = difference(r, vm, count)
	if differs then
		print(("DIFFERENT from the recording: %s"):format(differs))
		return 1
	end
	print(("the same as recorded: %d instructions, %d bytes on the console, and the same end"):format(count, #r.console))
	return 0
end

-- --- gdb on the replay ---

-- Replaces this process by gdb on a replay that is stopped at the event. batch:
-- gdb only shows the backtrace.
local function become_gdb(r, target, batch)
	local vm = start(r)
	local info, modules = vm.core:info(), {}
	for _, name in ipairs(core.list(r.dir .. "/modules")) do
		local path = core.realpath(("%s/modules/%s"):format(r.dir, name))
		if name:find("%.ko$") then modules[#modules + 1] = path end
	end
	local words, script = gdb.for_replay(info, r.text_at, modules)
	vm.core:kill()
	local serve = ("%s replay --serve %s"):format(quote(core.realpath("/proc/self/exe")), quote(core.realpath(r.dir)))
	local from = target.at or before_complaint(r)
	local lines = {
		("python PROVIUM_REPLAY, PROVIUM_END = %s, %d"):format(gdb.python_string(serve), end_of(r)),
		"python", gdb_replay, ("provium_replay.go(%d)"):format(from), "end", script,
		target.at and "instruction" or ("complaint%s"):format(target.event == "panic" and " panic" or ""),
	}
	if batch then
		table.insert(words, 2, "--batch")
		table.insert(lines, "instruction")
	else
		io.stderr:write(("gdb on the replay at %s; `continue` lets it run, `help back` tells how it goes back\n")
			:format(describe(target)))
	end
	error(core.exec(words, table.concat(lines, "\n") .. "\n"), 0)
end

-- Serves a replay to gdb, whose socket is stdin; at: the instruction to stand
-- at.
local function serve(r, at)
	local vm = start(r)
	vm.core:replay_to(at, end_of(r))
	vm.core:replay_serve()
	return 0
end

-- provium replay. dir: the recording; event: the value of --until or nil; how:
-- "gdb"; "serve", for which event is a number; or nil.
function replay.run(dir, event, how)
	session.begin(".", { limit = math.huge })
	local r = load(dir)
	if how == "serve" then return serve(r, math.tointeger(tonumber(event))) end
	local target = find_event(r, event or (how and "booted" or "end"))
	if how == "gdb" or not target.at then become_gdb(r, target, how ~= "gdb") end
	local vm = start(r)
	if target.event == "end" then return to_end(r, vm) end
	local count = run_to(r, vm, target.at)
	if not count then return 1 end
	print(("stopped at %s: instruction %d of %d; the end of its console:"):format(describe(target), count, end_of(r)))
	show_end(vm)
	return 0
end

return replay
