-- SPDX-License-Identifier: GPL-2.0-only
-- Commands on a terminal that end at a random moment, in a random way, leave no
-- process behind. ENDINGS=100 tries more of them, SEED=N repeats a run.

local pty = require "pty"
local runner = require "runner"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local NR = tonumber(os.getenv("ENDINGS") or 6)
local SEED = tonumber(os.getenv("SEED") or os.time())
local MAX_MS = 3000

local file = runner.quote(runner.canned .. "/fails_in_vm.lua")
local COMMANDS = { "shell", "repl",
	"test -f '^leaves' --on-failure=shell " .. file, "test -f '^leaves' --on-failure=repl " .. file,
	"test -f '^leaves' --on-failure=keep " .. file }
-- Signals to the runner, the end of its terminal, and keys.
local ENDINGS = { "signal 1", "signal 2", "signal 9", "signal 15", "hangup", "send \3", "send \4", "send \29q" }

-- Returns how many processes have this mark in their environment.
local function count(mark)
	return tonumber(runner.shell(("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -cFx ENDINGS_TEST=%s"):format(mark)))
end

provium.timeout = 60 + 60 * NR
math.randomseed(SEED)

test(("after %d random endings no process is left"):format(NR), function()
	log("SEED=" .. SEED)
	for i = 1, NR do
		local command, ending = COMMANDS[math.random(#COMMANDS)], ENDINGS[math.random(#ENDINGS)]
		local pause = "pause " .. math.random(0, MAX_MS)
		local mark = ("%s/%d"):format(dir, i)
		local steps = { pause, ending, "pause 1500", "hangup" }
		if ending == "hangup" then steps = { pause, ending } end
		pty.run(dir, ("env ENDINGS_TEST=%s PROVIUM_GATE=%s/gate XDG_STATE_HOME=%s/state %s %s"):format(mark, dir, dir,
			runner.quote(runner.path), command), steps)
		runner.shell(("PROVIUM_GATE=%s/gate %s kept --end"):format(dir, runner.quote(runner.path)))
		local label = ("%d: %s, %s, %q (SEED=%d)"):format(i, command, pause, ending, SEED)
		wait_until(function() return count(mark) == 0 end, { timeout = 10, interval = 0.1, desc = "the end of all processes of " .. label })
	end
end)
