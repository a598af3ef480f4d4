-- SPDX-License-Identifier: GPL-2.0-only
-- mk/lock.sh: locks of builds. A make that waits says what for.

local runner = require "runner"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local LOCK = runner.shell("realpath " .. runner.quote(here .. "/../../mk/lock.sh"))

-- Starts a command that holds the lock dir/lock, and waits until the command
-- has it. Returns a function that ends the command.
local function hold(dir, shared)
	os.execute(("mkfifo %s/go; timeout 60 %s %s %s/lock 'the kernel small' "
		.. "sh -c 'touch %s/held; cat %s/go' >/dev/null 2>&1 &")
		:format(dir, runner.quote(LOCK), shared and "-s" or "", dir, dir, dir))
	wait_until(function() return runner.read(dir .. "/held") end,
		{ timeout = 30, interval = 0.01, desc = "the lock" })
	return function() os.execute(("timeout 30 sh -c ': >%s/go'"):format(dir)) end
end

-- Starts another command that takes the lock dir/lock, in the background.
-- Returns the path of the file with that command's output.
local function take(dir, shared)
	os.execute(("{ timeout 60 %s %s %s/lock 'the module drv' echo got it; } >%s/said 2>&1 &")
		:format(runner.quote(LOCK), shared and "-s" or "", dir, dir))
	return dir .. "/said"
end

local function wait_for(path, text)
	wait_until(function() return (runner.read(path) or ""):find(text, 1, true) end,
		{ timeout = 30, interval = 0.01, desc = ("the text %q"):format(text) })
	return runner.read(path)
end

test("a make that waits for another one's lock says what waits and for which process, then goes on", function()
	runner.with_folder(function(dir)
		local release = hold(dir)
		local pid = runner.read(dir .. "/lock")
		local said = take(dir)
		assert_eq(("  WAIT\tthe module drv waits for the make with pid %s"):format(pid), wait_for(said, pid))
		release()
		assert_contains(wait_for(said, "got it"), pid .. "got it\n")
	end)
end)

test("two builds that share a lock do not wait for each other", function()
	runner.with_folder(function(dir)
		local release = hold(dir, true)
		assert_eq("got it\n", wait_for(take(dir, true), "got it"))
		release()
	end)
end)
