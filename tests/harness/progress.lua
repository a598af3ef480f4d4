-- SPDX-License-Identifier: GPL-2.0-only
-- mk/progress.sh: how far the build of a kernel is.

local pty = require "pty"
local runner = require "runner"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local PROGRESS = runner.quote(runner.shell("realpath " .. runner.quote(here .. "/../../mk/progress.sh")))

-- In place of kbuild: compiles n files, complains on standard error, and ends
-- with a status.
local KBUILD = [[bash -c '
	echo "make[1]: Entering directory"
	for ((i = 1; i <= %d; i++)); do echo "  CC      kernel/file$i.o"; done
	echo "  LD      vmlinux.o"
	echo "file.c: a warning" >&2
	exit %d']]

local function run(seconds, files, n, status)
	return runner.shell(("%s %d %d %s 2>&1; echo status $?")
		:format(PROGRESS, seconds, files, KBUILD:format(n, status)))
end

test("without a terminal, a long build of a kernel prints lines with the files that are done", function()
	-- The warning comes on another way: its place among the lines varies.
	local said = run(0, 4, 3, 0):gsub("file.c: a warning\n", "")
	assert_contains(said, [[
  KERNEL	1 of about 4 files
  KERNEL	2 of about 4 files
  KERNEL	3 of about 4 files
]])
end)

test("a short build of a kernel prints only errors and warnings, and has kbuild's exit status", function()
	assert_eq("file.c: a warning\nstatus 2", run(20, 1000, 30, 2))
end)

test("after 20 files, the progress of a build says how long the others will take", function()
	assert_contains(run(0, 1000, 30, 0), "\n  KERNEL\t30 of about 1000 files, 1 min left\n")
end)

test("a build that compiles more files than expected does not count beyond its own total", function()
	assert_contains(run(0, 2, 3, 0), "\n  KERNEL\t3 of about 3 files\n")
end)

test("an incremental build of a kernel shows the files that are done without a total", function()
	assert_contains(run(0, 0, 2, 0), "\n  KERNEL\t2 files\n")
end)

test("on a terminal, the progress of a build is one line, and its end says how many files were compiled", function()
	runner.with_folder(function(dir)
		pty.build(dir)
		local said = pty.run(dir, ("%s 20 40 %s"):format(PROGRESS, KBUILD:format(30, 0)), {})
		assert_contains(said, "\r  KERNEL\t19 of about 40 files\27[K\r  KERNEL\t20 of about 40 files, 1 min left\27[K")
		assert_contains(said, "\r  KERNEL\t30 files\27[K\r\n")
	end)
end)
