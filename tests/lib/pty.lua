-- SPDX-License-Identifier: GPL-2.0-only
-- Runs a program on a pseudo-terminal, as a user does: see pty.c.

local runner = require "runner"

local pty = {}

local LIMIT_S = 90	-- for a text that is expected

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

local function escape(text) return (text:gsub("[^ -~]", function(c) return ("\\x%02x"):format(c:byte()) end)) end

-- Compiles the program pty into the folder dir.
function pty.build(dir)
	assert_eq("", runner.shell(("cc -O1 -o %s/pty %s/pty.c -lutil 2>&1"):format(dir, runner.quote(here))))
end

-- Returns the command that runs argv, a shell command line, with the steps in
-- the file at path.
function pty.command(dir, path, argv)
	return ("PTY_LIMIT=%d %s/pty %s %s"):format(runner.limit_s(LIMIT_S), dir, path, argv)
end

-- Runs argv, a shell command line, and does the steps: "expect TEXT" and so on.
-- Returns what the terminal showed, and how it ended: "exit 0".
function pty.run(dir, argv, steps)
	local path = os.tmpname()
	local file = assert(io.open(path, "w"))
	for _, step in ipairs(steps) do file:write(escape(step), "\n") end
	file:close()
	local said = runner.shell(("cd %s && %s"):format(runner.quote(dir), pty.command(dir, path, argv)))
	os.remove(path)
	local shown, ending = said:match("^(.*)\n%[([^%]]*)%]$")
	return shown or said, ending
end

-- As run(), for an argv that starts gdb: a step that does not begin with
-- "expect " is a line for gdb. At the end leaves gdb.
function pty.gdb(dir, argv, steps)
	local all = { "expect (gdb) ", "send set pagination off\r", "expect (gdb) " }
	for _, step in ipairs(steps) do all[#all + 1] = step:find("^expect ") and step or "send " .. step .. "\r" end
	table.move({ "send quit\r", "expect (y or n) ", "send y\r" }, 1, 3, #all + 1, all)
	return pty.run(dir, argv, all)
end

return pty
