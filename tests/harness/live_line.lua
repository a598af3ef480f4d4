-- SPDX-License-Identifier: GPL-2.0-only
-- The line of the terminal that is overwritten with what a file is doing, and
-- the report after Ctrl-C.

local pty = require "pty"
local runner = require "runner"
local screen = require "screen"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- One test that takes a little more than a second.
local SHORT = runner.quote(runner.write(dir .. "/short.lua",
	"local core = require 'provium.core'\ntest('waits', function() core.pause(1.2) assert(true) end)\n"))
local LIVE = runner.quote(runner.canned .. "/live.lua")

-- Runs a file on a terminal. before: words before the runner.
local function run(steps, options, before, file)
	return pty.run(dir, ("%s %s test %s %s"):format(before or "env -u MAKEFLAGS TERM=xterm", runner.quote(runner.path),
		options or "", file or LIVE), steps)
end

test("one line shows a file's running test, its number and seconds, and is then erased", function()
	local shown, ending = run { "expect live.lua 2 prints and waits" }
	assert_eq("exit 0", ending, shown)
	local lines, gone = screen.lines(shown)
	assert_eq({ "printed before", "a line in two parts", "on stderr" }, table.move(lines, 1, 3, 1, {}))
	assert(lines[4]:find("^live.lua ... ok %(2 tests, "), shown)
	assert_eq({ "ok: 2 passed", "" }, { lines[7], lines[8] }, shown)
	assert(#gone >= 2, shown)
	for _, text in ipairs(gone) do assert(text:find("^live.lua 2 prints and waits.*, %d s$"), text) end
end)

test("the line with the running test is as wide as the window, also after a resize", function()
	local shown = run { "expect …, ", "resize 24 40", "expect …, " }
	local _, gone = screen.lines(shown)
	assert_eq(79, utf8.len(gone[1]), gone[1])
	assert_eq(39, utf8.len(gone[#gone]), gone[#gone])
	assert(gone[#gone]:find("^live.lua 2 prints and waits.*…, %d s$"), gone[#gone])
end)

test("a dumb terminal, a file, machine formats and make -j2 get no progress line", function()
	assert(run({}, "", nil, SHORT):find("\27", 1, true), "expected a line")
	local to_file = ("sh -c 'exec \"$@\" >%s/said' sh env -u MAKEFLAGS TERM=xterm"):format(dir)
	for _, case in ipairs { { "", "env -u MAKEFLAGS TERM=dumb" }, { "--format tap" }, { "", to_file },
		{ "", "env TERM=xterm MAKEFLAGS='-j2 --jobserver-auth=8,9'" } } do
		local shown, ending = run({}, case[1], case[2], SHORT)
		assert_eq("exit 0", ending, shown)
		assert_eq(nil, shown:find("\27", 1, true), shown)
	end
	assert_contains(runner.read(dir .. "/said"), "short.lua ... ok")
	assert_eq(nil, runner.read(dir .. "/said"):find("\27", 1, true))
end)

test("the line with the running test tells how many tests the file had in its last run", function()
	os.execute(("mkdir -p %s/out/bin && cp %s %s/out/bin/provium"):format(dir, runner.quote(runner.path), dir))
	local command = ("env -u MAKEFLAGS TERM=xterm PROVIUM_INSIDE= %s/out/bin/provium test %s"):format(dir, SHORT)
	assert_contains(pty.run(dir, command, {}), "short.lua 1 waits, 1 s")
	assert_contains(pty.run(dir, command, {}), "short.lua 1/1 waits, 1 s")
end)

test("Ctrl-C tells which tests have ended, which one it interrupted, and where", function()
	local shown, ending = run({ "expect printed before", "pause 300", "send \3" }, "", nil, LIVE .. " " .. SHORT)
	assert_eq("signal 2", ending, shown)
	local said = table.concat(screen.lines(shown), "\n")
	assert_contains(said, "live.lua ... interrupted (1 test, ")
	assert(said:find(" %.%.%. interrupted after %d+%.%d s\n      at [^\n]*/live.lua:9\n"), said)
	assert_contains(said, "\ninterrupted: 1 passed; 1 file did not run\n")
end)

test("the report on a signal outside of the tests has the line of the file", function()
	local file = runner.quote(runner.write(dir .. "/outside.lua",
		"print 'started'\nrequire('provium.core').pause(30)\ntest('never', function() end)\n"))
	local shown, ending = run({ "expect started", "send \3" }, "", nil, file)
	assert_eq("signal 2", ending, shown)
	assert(shown:find("  · %(outside of the tests%) ... interrupted after %d+%.%d s\r\n      at [^\r]*/outside.lua:2\r\n" ..
		"interrupted: 0 passed\r\n"), shown)
end)

test("SIGTERM to the runner alone gives the same report, in machine formats on stderr", function()
	local shown, ending = run({ "expect printed before", "pause 300", "signal 15" })
	assert_eq("signal 15", ending, shown)
	assert_contains(shown, "live.lua ... interrupted (1 test, ")
	shown, ending = run({ "expect at once", "pause 300", "signal 15" }, "--format json",
		("sh -c 'exec \"$@\" 2>%s/err' sh"):format(dir))
	assert_eq("signal 15", ending, shown)
	assert_eq(nil, shown:find("interrupted", 1, true), shown)
	assert_contains(runner.read(dir .. "/err"), "live.lua ... interrupted (1 test, ")
end)
