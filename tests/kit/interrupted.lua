-- SPDX-License-Identifier: GPL-2.0-only
-- What a terminal shows of a call that does not return, and Ctrl-C then.

local pty = require "pty"
local runner = require "runner"
local screen = require "screen"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

local STUCK = ("env -u MAKEFLAGS TERM=xterm %s test %s"):format(runner.quote(runner.path), runner.quote(runner.canned .. "/vm_stuck.lua"))

test("the terminal shows in which function of the kernel a call sleeps, and Ctrl-C reports it", function()
	local shown, ending = pty.run(dir, STUCK, { "expect , read() sleeps in pipe_read", "send \3" })
	assert_eq("signal 2", ending, shown)
	local lines, gone = screen.lines(shown)
	-- The terminal has echoed Ctrl-C into the last one.
	assert(gone[#gone]:find("^^C_stuck.lua 3 reads an empty pipe, %d+ s, read%(%) sleeps in pipe_read$"), shown)
	local said = table.concat(lines, "\n")
	assert_contains(said, "vm_stuck.lua ... interrupted (1 of 2 failed, ")
	assert_contains(said, "  · fails ... FAIL: expected 1, got 2\n      at ")
	assert(said:find("\n  · reads an empty pipe ... interrupted after %d+%.%d s\n" ..
		"      at [^\n]*/vm_stuck.lua:16, in syscall read\n" ..
		"      in the guest: read%(%) sleeps in pipe_read\n" ..
		"interrupted: 1 passed, 1 failed\n"), said)
end)
