-- SPDX-License-Identifier: GPL-2.0-only
-- Commands on a terminal that end at a random moment, in a random way, leave no
-- process and no file behind. ENDINGS=100 tries more of them, SEED=N repeats a
-- run.

local pty = require "pty"
local runner = require "runner"
local quote = runner.quote

local NR = tonumber(os.getenv("ENDINGS") or 6)
local SEED = tonumber(os.getenv("SEED") or os.time())
local MAX_MS = 3000

-- Not in /tmp, because the commands have a /tmp of their own. "out" is the
-- output folder of the runner that is in it.
local dir, _ <close> = runner.new_folder(runner.home)
runner.copy_to(dir)
runner.shell(("cd %s && mkdir -p private/tmp private/shm private/run"):format(quote(dir)))
pty.build(dir)

local failing = runner.canned .. "/fails_in_vm.lua"
local slow = runner.write(dir .. "/slow.lua", 'test("waits", { fixture = provium.profile }, function(vm) vm:exec("sleep 8") assert(true) end)\n')
local gdb = runner.shell("command -v gdb") ~= ""

-- Other programs make files in /tmp, /run and /dev/shm too, so the commands
-- have folders of their own there. Where that is not allowed, these three are
-- not compared.
local PRIVATE = os.execute("unshare -m true 2>/dev/null") and
	("unshare -m sh -c 'for d in tmp run; do mount --bind %s/private/$d /$d; done; mount --bind %s/private/shm /dev/shm; exec \"$@\"' sh ")
		:format(dir, dir) or ""

local ENV = ("env PROVIUM_GATE=%s/gate XDG_STATE_HOME=%s/state TERM=dumb %s"):format(dir, dir, runner.probed_words())
local PATH = dir .. "/out/bin/" .. runner.path:match("[^/]*$")

local COMMANDS = { "shell", "repl", "exec " .. provium.profile .. " sleep 1000" }
for _, mode in ipairs { "shell", "repl", "keep" } do
	COMMANDS[#COMMANDS + 1] = ("test -f ^leaves --on-failure=%s %s"):format(mode, failing)
end
COMMANDS[#COMMANDS + 1] = "attach"
if gdb then
	for _, command in ipairs { "gdb", "test -f ^leaves --gdb " .. failing, "test -f ^leaves --on-failure=gdb " .. failing } do
		COMMANDS[#COMMANDS + 1] = command
	end
end
-- As steps of pty.c: signals to the runner, the end of its terminal, and keys.
local ENDINGS = { "signal 1", "signal 2", "signal 9", "signal 15", "hangup", "send \3", "send \4", "send \29q" }

-- Returns the shell command line. "attach" is a shell in the VM of a test that
-- runs beside it.
local function line_of(command, mark)
	local start = ("env ENDINGS_TEST=%s %s %s"):format(mark, ENV, PRIVATE)
	if command ~= "attach" then return ("%s %s %s"):format(start, PATH, command) end
	local script = ("%s test %s >/dev/null & sleep 2; exec %s shell --attach"):format(PATH, slow, PATH)
	return ("%s sh -c %s"):format(start, quote(script))
end

-- Returns the set of all files and folders that the commands can have made.
local function files()
	local set = {}
	for path in runner.shell(("cd %s && find out private gate state 2>/dev/null"):format(quote(dir))):gmatch("[^\n]+") do set[path] = true end
	return set
end

provium.timeout = 120 + 60 * NR
math.randomseed(SEED)

local function try(label, command, steps)
	local mark = ("%s/%s"):format(dir, label:match("^%w+"))
	local shown = pty.run(dir, line_of(command, mark), steps)
	runner.shell(("%s %s kept --end"):format(ENV, PATH))
	wait_until(function() return runner.count_marked("ENDINGS_TEST=" .. mark) == 0 end, { timeout = 15, interval = 0.1, desc = "the end of all processes of " .. label })
	return shown
end

test(("after %d random endings no process and no file is left"):format(NR), function()
	log(("SEED=%d, %s"):format(SEED, PRIVATE ~= "" and "with folders /tmp, /run and /dev/shm of its own" or "without /tmp, /run and /dev/shm: unshare -m is not allowed"))
	-- This run makes the files that are to stay: the fixture, the logs of
	-- the failed test, the history of the prompt.
	try("before", "test -f ^leaves --on-failure=repl " .. failing, { "expect VM 1> ", "send 1\r", "expect VM 1> ", "send \4" })
	local before = files()
	for i = 1, NR do
		local command, ending = COMMANDS[math.random(#COMMANDS)], ENDINGS[math.random(#ENDINGS)]
		local pause = "pause " .. math.random(0, command == "attach" and 2 * MAX_MS or MAX_MS)
		local steps = { pause, ending, "pause 1500", "hangup" }
		if ending == "hangup" then steps = { pause, ending } end
		local label = ("%d: %s, %s, %q (SEED=%d)"):format(i, command, pause, ending, SEED)
		try(label, command, steps)
		for path in pairs(files()) do
			if not before[path] then error(("%s: %s is left behind"):format(label, path)) end
		end
	end
end)
