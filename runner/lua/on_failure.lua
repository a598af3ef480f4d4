-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --on-failure=MODE: what happens at a test's failure, before its
-- guests are ended.

local core = require "provium.core"
local limits = require "provium.limits"
local session = require "provium.session"
local shell = require "provium.shell"

local on_failure = {}

-- The user's terminal. Standard output can be in a report.
local function say(fmt, ...)
	local terminal <close> = io.open("/dev/tty", "w") or io.stderr
	terminal:write(fmt:format(...))
end

-- Asks whether to open a shell. Returns "y", "n" or "q"; Return is "y".
local function ask(number)
	local terminal <close> = io.open("/dev/tty", "r") or io.stdin
	while true do
		say("open a shell in VM %d? [Y]es, [n]o, [q]uit asking: ", number)
		local answer = (terminal:read("l") or "q"):lower():sub(1, 1)
		if answer == "" then return "y" end
		if ("ynq"):find(answer, 1, true) then return answer end
	end
end

-- Returns the VM that the test has used last and that runs, and its number.
local function vm_of(t)
	for number = #session.vms, 1, -1 do
		local vm = session.vms[number]
		if vm.used_by == t and vm:is_running() then return vm, number end
	end
end

local function look(t)
	local vm, number = vm_of(t)
	say("\n%s: %s\n%s%s\n", t.verdict, t.name, t.message or "", t.where and "\n  at " .. t.where or "")
	if not vm then
		say("no VM of this test runs any more, so there is nothing to open a shell in\n")
		return
	end
	local answer = session.on_failure == "shell" and "y" or ask(number)
	if answer == "q" then session.on_failure = nil end
	if answer ~= "y" then return end
	say("shell in VM %d, as the test has left it; `exit` or Ctrl-] q goes on with the next test\n", number)
	local ok, err = pcall(shell.run_in, vm, ("VM %d"):format(number))
	if not ok then say("%s\n", tostring(err)) end
end

-- To be called when the test t has failed. The time limits do not count the
-- user's time.
function on_failure.stop(t)
	if not session.on_failure then return end
	limits.wait_at_gate(function()
		local start = core.now()
		look(t)
		return core.now() - start
	end)
end

return on_failure
