-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --on-failure=MODE and --gdb: what the user sees of a guest
-- before it is ended.

local core = require "provium.core"
local gdb = require "provium.gdb"
local keep = require "provium.keep"
local limits = require "provium.limits"
local repl = require "provium.repl"
local session = require "provium.session"
local shell = require "provium.shell"

local on_failure = {}

-- The modes that need a VM to stay when its kernel panics.
local KEEPS_DEAD = { gdb = true, ask = true, keep = true }

-- Prints on the user's terminal: standard output can be a report.
local function say(fmt, ...)
	local terminal <close> = io.open("/dev/tty", "w") or io.stderr
	terminal:write(fmt:format(...))
end

-- Asks the user what to open in the VM. Returns "shell", "repl", "gdb", "n" or
-- "q". An empty answer means the first one that is possible.
local function ask(number, has_shell)
	local terminal <close> = io.open("/dev/tty", "r") or io.stdin
	local answers = { r = "repl", g = "gdb", n = "n", q = "q", [""] = "gdb" }
	if has_shell then answers.s, answers[""] = "shell", "shell" end
	while true do
		say("look into VM %d with %sa Lua p[r]ompt, [g]db, [n]o, [q]uit asking: ", number, has_shell and "a [s]hell, " or "")
		local answer = answers[(terminal:read("l") or "q"):lower():sub(1, 1)]
		if answer then return answer end
	end
end

-- Returns the VM that the test has used last and that can be looked into, and
-- its number. dead: also one whose kernel has panicked.
local function vm_of(t, dead)
	for number = #session.vms, 1, -1 do
		local vm = session.vms[number]
		if vm.used_by == t and (vm:is_running() or dead and vm.core:can_debug()) then return vm, number end
	end
end

local OPEN = {
	shell = function(vm, number)
		say("shell in VM %d, as the test has left it; `exit` or Ctrl-] q goes on with the next test\n", number)
		shell.run_in(vm, ("VM %d"):format(number))
	end,
	repl = function(vm, number, t)
		say("Lua prompt with the test's variables; Ctrl-D goes on with the next test\n")
		repl.in_test(t, vm, ("VM %s> "):format(number or "?"))
	end,
	gdb = function(vm, number)
		say("gdb on VM %d, as the test has left it; `quit` goes on with the next test\n", number)
		gdb.start(vm):wait()
	end,
}

local function keep_vm(t)
	local vm, number = vm_of(t, true)
	if vm and not keep.keep(t, vm, number) then session.stopped = true end
end

local function look(t)
	local vm, number = vm_of(t, session.on_failure == "gdb" or session.on_failure == "ask")
	say("\n%s: %s\n%s%s\n", t.verdict, t.name, t.message or "", t.where and "\n  at " .. t.where or "")
	if not vm and session.on_failure ~= "repl" then
		say("no VM of this test runs any more, so there is nothing to look into%s\n",
			session.on_failure == "shell" and " (--on-failure=gdb keeps a kernel that has panicked)" or "")
		return
	end
	local answer = session.on_failure == "ask" and ask(number, vm:is_running()) or session.on_failure
	if answer == "q" then session.on_failure = nil end
	if not OPEN[answer] then return end
	local ok, err = pcall(OPEN[answer], vm, number, t)
	if not ok then say("%s\n", tostring(err)) end
end

-- Ends the VMs that were kept although their guests have died.
local function end_corpses()
	for _, vm in ipairs(session.vms) do
		if not vm:is_running() then vm:kill() end
	end
end

-- --- the option --gdb ---

local debugger	-- the gdb on the file's first VM; nil before it starts and after its end
local was_started = false

local function wait_for_debugger(why)
	if not debugger then return end
	say("\n%s; `quit` in gdb goes on\n", why)
	debugger:wait()
	debugger = nil
end

-- To be called with each VM that has booted or was resumed: starts gdb on the
-- first one, and keeps VMs whose kernels panic, if the options ask for that.
function on_failure.watch(vm)
	if not session.under_gdb and not KEEPS_DEAD[session.on_failure] then return end
	vm.core:keep_corpse()
	if session.on_failure == "keep" then gdb.note_offset(vm) end
	if session.under_gdb and not was_started then
		was_started = true
		say("\ngdb on VM %d; the test goes on when you type `continue`\n", #session.vms)
		debugger = gdb.start(vm)
	end
end

-- To be called when the file's last test has ended, before the VMs are ended.
function on_failure.finish() wait_for_debugger("the file has ended") end

-- To be called when the test t has failed: lets the user look into the guest.
-- The time limits do not count the user's time.
function on_failure.stop(t)
	wait_for_debugger(("%s: %s: %s"):format(t.verdict, t.name, t.message or ""))
	if not session.on_failure then return end
	limits.wait_at_gate(function()
		local start = core.now()
		if session.on_failure == "keep" then keep_vm(t) else look(t) end
		end_corpses()
		return core.now() - start
	end)
end

return on_failure
