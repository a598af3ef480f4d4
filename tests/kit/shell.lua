-- SPDX-License-Identifier: GPL-2.0-only
-- provium shell: the user's terminal on a shell in a clone.

local pty = require "pty"
local runner = require "runner"
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local profile = provium.profile
local SHELL = runner.quote(runner.path) .. " shell " .. profile
local PROMPT = "expect :~ # "

local function shell(steps) return pty.run(dir, SHELL, steps) end

test("a shell runs what is typed, and its exit status is the command's", function()
	local shown, ending = shell { PROMPT, "send tty; echo $((6*7))\r", "expect /dev/pts/0\r\n42\r\n", PROMPT, "send exit 7\r" }
	assert_eq("exit 7", ending, shown)
end)

test("the guest's terminal has the size of the window, also after a change", function()
	local shown, ending = shell { PROMPT, "send stty size\r", "expect \n24 80\r\n", PROMPT,
		"send sh -c 'trap \"stty size; exit\" WINCH; echo started; while :; do sleep 0.1; done'\r",
		"expect \nstarted\r\n", "resize 50 132", "expect 50 132\r\n", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending, shown)
end)

test("Ctrl-C ends the guest's program, and Ctrl-Z stops it until fg", function()
	local shown, ending = shell { PROMPT, "send echo started; sleep 1000\r", "expect \nstarted\r\n", "pause 300", "send \3", PROMPT,
		"send echo $?\r", "expect \n130\r\n", PROMPT,
		"send echo started; cat\r", "expect \nstarted\r\n", "pause 300", "send \26", "expect Stopped", PROMPT,
		"send fg\r", "expect cat\r\n", "pause 300", "send hello\r", "expect hello\r\nhello\r\n", "send \4", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending, shown)
end)

test("UTF-8 comes back from the guest's terminal as it was typed", function()
	local shown, ending = shell { PROMPT, "send printf '%s|' grün 日本 🐧; echo\r", "expect \ngrün|日本|🐧|\r\n", PROMPT,
		-- The kernel's line editing erases a character, not a byte.
		"send echo started; cat\r", "expect \nstarted\r\n", "pause 300", "send aü\127b\r", "expect \r\nab\r\n", "send \4", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending, shown)
end)

local function numbers_in(shown)
	local n = 0
	for line in shown:gmatch("([^\r\n]+)\r\n") do
		if line == tostring(n + 1) then n = n + 1 end
	end
	return n
end

test("2 MB of output reach the terminal without loss", function()
	local shown, ending = shell { PROMPT, "send seq 1 300000 >/tmp/x; cat /tmp/x\r", "expect \n300000\r\n", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending)
	assert_eq(300000, numbers_in(shown))
end)

test("output waits while the terminal takes none, and then goes on", function()
	local shown, ending = shell { PROMPT, "send seq 1 50000 >/tmp/x; cat /tmp/x\r", "expect \n1\r\n", "pause 1000",
		"expect \n50000\r\n", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending)
	assert_eq(50000, numbers_in(shown))
end)

test("a paste of 20000 bytes reaches the guest's program without loss", function()
	local steps = { PROMPT, "send stty raw -echo; head -c 20000 | md5sum; stty sane\r", "expect sane\r\n", "pause 500" }
	local text = {}
	for i = 1, 20 do
		text[i] = string.char(96 + i):rep(1000)
		steps[#steps + 1] = "send " .. text[i]
	end
	local sum = runner.shell("printf %s " .. runner.quote(table.concat(text)) .. " | md5sum"):match("%x+")
	for _, step in ipairs { "expect " .. sum, PROMPT, "send exit\r" } do steps[#steps + 1] = step end
	local shown, ending = shell(steps)
	assert_eq("exit 0", ending, shown)
end)

test("two shells at once run in two guests", function()
	local inner = pty.run(dir, "sh -c " .. runner.quote(SHELL), { PROMPT, "send echo a >/tmp/x; ls /tmp\r", "expect x\r\n", PROMPT, "send exit\r" })
	local shown, ending = shell { PROMPT, "send ls /tmp | wc -l\r", "expect \n0\r\n", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending, inner .. shown)
end)

test("Ctrl-] q ends a shell whose program ignores Ctrl-C", function()
	local shown, ending = shell { PROMPT, "send trap '' INT; echo started; sleep 1000\r", "expect \nstarted\r\n", "send \3\29q" }
	assert_eq("exit 0", ending, shown)
	assert_contains(shown, "provium shell: ended by Ctrl-] q")
end)

test("Ctrl-] typed twice sends one Ctrl-] to the guest", function()
	local shown, ending = shell { PROMPT, "send stty raw -echo; head -c 1 | od -An -tx1; stty sane\r", "expect sane\r\n", "pause 300",
		"send \29\29", "expect 1d", PROMPT, "send exit\r" }
	assert_eq("exit 0", ending, shown)
end)

test("a shell whose terminal is closed leaves no process behind", function()
	local mark = "SHELL_TEST=" .. dir
	local shown, ending = pty.run(dir, ("env %s %s"):format(mark, SHELL), {
		PROMPT, "send sleep 1000\r", "expect sleep 1000\r\n", "pause 1000",
		"run sh " .. runner.write_marked_check(dir, mark), "hangup" })
	assert_eq("signal 1", ending, shown)
	assert_eq(0, runner.count_marked(mark))
end)

test("SIGTERM restores the terminal's modes and ends the VM", function()
	local shown, ending = shell { PROMPT, "signal 15" }
	assert_eq("signal 15", ending, shown)
end)

test("a guest that panics ends the shell with the console's last lines", function()
	local shown, ending = shell { PROMPT, "send echo c >/proc/sysrq-trigger\r" }
	assert_eq("exit 3", ending, shown)
	assert_contains(shown, "the guest panicked: Kernel panic")
end)

test("without a terminal provium shell says what to use instead", function()
	assert_eq("provium shell: stdin is not a terminal, which an interactive shell needs; " ..
		"to run one command: provium exec PROFILE COMMAND\n[2]", runner.shell(SHELL .. " </dev/null 2>&1; echo [$?]"))
end)

test("the error for an unknown fixture lists the known ones", function()
	local shown, ending = pty.run(dir, runner.quote(runner.path) .. " shell nosuch", {})
	assert_eq("exit 2", ending, shown)
	assert_contains(shown, "there is no fixture \"nosuch\"; there are: ")
end)
