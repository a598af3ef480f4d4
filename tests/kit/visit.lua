-- SPDX-License-Identifier: GPL-2.0-only
-- provium shell --attach on the VM of a test that runs.

local pty = require "pty"
local runner = require "runner"
local quote = runner.quote
runner.scale_limits()

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- A ledger of its own, so that only the VMs of this file are found.
local ENV = ("env TERM=dumb PROVIUM_GATE=%s/gate"):format(dir)
local PATH = ENV .. " " .. quote(runner.path)
local PROMPT = "expect VM 1:~ # "

local function await(what, fn) wait_until(fn, { timeout = 10, interval = 0.1, desc = what }) end

-- Starts a run of tests on a file with this text. Returns a function that waits
-- for its end and returns the report.
local function start(name, text)
	local file = runner.write(("%s/%s.lua"):format(dir, name), text)
	local log = ("%s/%s.log"):format(dir, name)
	os.execute(("cd %s && (%s test %s >%s; echo done >>%s) </dev/null >/dev/null 2>&1 &"):format(dir, PATH, file, log, log))
	return function()
		await("the end of the run", function() return (runner.read(log) or ""):find("done\n$") end)
		return runner.read(log)
	end
end

local function await_file(name)
	await("the file " .. name, function() return runner.read(dir .. "/" .. name) end)
end

-- Returns a test that writes /tmp/mine in its guest, and then waits until the
-- host has the file `name`.
local function waits_for(name, rest)
	return ([[
test("waits for a file", { fixture = provium.profile }, function(vm)
	vm:write_file("/tmp/mine", "of the test")
	io.open("%s/%s.begun", "w"):close()
	wait_until(function() return io.open("%s/%s") end, { timeout = 8, interval = 0.2 })
	assert_eq("of the test", vm:read_file("/tmp/mine"))
	%s
end)
]]):format(dir, name, dir, name, rest or "")
end

test("a shell in the VM of a running test sees its guest, and the report notes the shell", function()
	local finish = start("one", waits_for("go-one"))
	await_file("go-one.begun")
	local shown, ending = pty.run(dir, PATH .. " shell --attach", {
		PROMPT, "send cat /tmp/mine; echo\r", "expect of the test\r\n", "resize 50 132", "send stty size\r", "expect 50 132\r\n",
		"send sleep 1000\r", "expect 1000\r\n", "pause 300", "send \3", PROMPT, "send exit 5\r",
	})
	assert_eq("exit 5", ending, shown)
	assert_contains(shown, "shell in VM 1 of one.lua, which runs: waits for a file; `exit` or Ctrl-] q leaves it")
	runner.write(dir .. "/go-one", "")
	local said = finish()
	assert_contains(said, "ok: 1 passed")
	assert_contains(said, 'note: a shell was open in VM 1 during the test "waits for a file" (provium shell --attach)')
end)

test("the end of the test ends two shells with a sentence, and the terminals have their modes again", function()
	local finish = start("two", waits_for("go-two"))
	await_file("go-two.begun")
	-- The second shell runs beside the first one.
	local second = quote(("%s >%s/second 2>&1 &"):format(pty.command(dir, dir .. "/steps", PATH .. " shell --attach"), dir))
	runner.write(dir .. "/steps", PROMPT .. "\nsend touch /tmp/second\\x0d\nexpect the test has ended\n")
	local shown, ending = pty.run(dir, PATH .. " shell --attach", {
		PROMPT, "run sh -c " .. second, "send until [ -e /tmp/second ]; do sleep 0.1; done; echo $((6*7))\r", "expect \n42\r\n", PROMPT,
		"run touch " .. dir .. "/go-two", "expect provium shell: the test has ended this VM",
	})
	assert_eq("exit 3", ending, shown)
	assert_contains(finish(), "ok: 1 passed")
	await("the end of the second shell", function() return (runner.read(dir .. "/second") or ""):find("%[exit 3%]") end)
end)

test("with several VMs the command lists them, and a name chooses one", function()
	local finish = start("three", waits_for("go-three", 'local other = provium.create():boot { memory = "128M" }\n' ..
		'\tio.open("' .. dir .. '/two-run", "w"):close()\n\tother:exec("touch /tmp/of_two; while [ ! -e /tmp/end ]; do sleep 0.1; done")'))
	await_file("go-three.begun")
	runner.write(dir .. "/go-three", "")
	await_file("two-run")
	local shown, ending = pty.run(dir, PATH .. " shell --attach", {})
	assert_eq("exit 2", ending, shown)
	local name = shown:match("there are several VMs: give the ID of one\r\nVMs of tests that run:\r\n.*" ..
		"%f[%d](%d+%.2) +128 MiB +three.lua: waits for a file %(VM 2%)\r\n")
	assert(name, shown)
	shown, ending = pty.run(dir, PATH .. " shell --attach " .. name, {
		"expect VM 2:~ # ", "send ls /tmp\r", "expect of_two\r\n", "send touch /tmp/end; sleep 1000\r", "expect the test has ended this VM" })
	assert_eq("exit 3", ending, shown)
	assert_contains(finish(), "ok: 1 passed")
end)

test("a guest that panics ends the shell with the reason, and the test has its verdict", function()
	local finish = start("four", waits_for("go-four"))
	await_file("go-four.begun")
	local shown, ending = pty.run(dir, PATH .. " shell --attach", { PROMPT, "send echo c >/proc/sysrq-trigger\r" })
	assert_eq("exit 3", ending, shown)
	assert_contains(shown, "provium shell: the guest panicked: Kernel panic")
	runner.write(dir .. "/go-four", "")
	local said = finish()
	assert_contains(said, "FAIL: 0 passed, 1 failed")
	assert_contains(said, "the kernel complained: ")
end)

test("a shell whose test computes is left by Ctrl-] q, and the test goes on", function()
	local finish = start("five", waits_for("go-five", ('io.open("%s/computes", "w"):close()\n' ..
		'\twhile not io.open("%s/end") do end'):format(dir, dir)))
	await_file("go-five.begun")
	local shown, ending = pty.run(dir, PATH .. " shell --attach", {
		PROMPT, "run touch " .. dir .. "/go-five", "run sh -c 'while [ ! -e " .. dir .. "/computes ]; do sleep 0.1; done'",
		"send \29q", "expect left by Ctrl-] q" })
	assert_eq("exit 0", ending, shown)
	shown, ending = pty.run(dir, PATH .. " shell --attach", {})
	assert_eq("exit 2", ending, shown)
	assert_contains(shown, " does not answer now")
	runner.write(dir .. "/end", "")
	assert_contains(finish(), "ok: 1 passed")
end)
