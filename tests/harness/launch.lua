-- SPDX-License-Identifier: GPL-2.0-only
-- make test LAUNCH=: runners that a launcher starts, as on another host.

local core = require "provium.core"
local runner = require "runner"
local tree = require "tree"

local PASSES = "test('passes', function() assert(true) end)\n"
local FAILS = "print 'printed'\ntest('passes', function() assert(true) end)\ntest('fails', function() assert_eq(1, 2) end)\n"

-- The lines of make's output without times and commands.
local function report(said)
	return (said:gsub(", %d+%.%ds%)", ", Ts)"):gsub("\n *repeat: [^\n]*", ""):gsub("\n *note: ran on host [^\n]*", ""))
end

-- Returns the result of a file without what differs from run to run.
local function result(t, name)
	local record = core.json(t:read("out/test/small/" .. name .. ".result"))
	record.seconds, record.started, record.notes, record.timeline = nil, nil, nil, nil
	for _, item in ipairs(record.tests or {}) do item.seconds = nil end
	return record
end

local function has_passed(t, name) return t:read("out/test/small/" .. name .. ".ok") ~= nil end

-- Writes a shell script to the tree. Returns its path.
local function script(t, name, text)
	local path = runner.write(t.dir .. "/" .. name, "#!/bin/sh\n" .. text)
	os.execute("chmod +x " .. runner.quote(path))
	return path
end

-- Asserts that no folder of a launch is left.
local function assert_no_folder(t)
	assert_eq("", runner.shell(("find %s/out/test -name '*.launch.*'"):format(t.dir)))
end

local function launch(t, launcher, args)
	return t:make(("test %s LAUNCH=%s"):format(args or "", runner.quote(launcher)))
end

test("launched files get the same results and report as files that run here", function()
	tree.with({ a = PASSES, b = FAILS, c = "test('skips', function() skip 'no' end)\n" }, function(t)
		local here, here_status = t:make("retest")
		local results = {}
		for _, name in ipairs { "a", "b", "c" } do results[name] = result(t, name) end
		os.remove(t.dir .. "/out/test/small/order.mk")
		local there, there_status = t:make("retest LAUNCH=env")
		assert_eq(here_status, there_status, there)
		for _, name in ipairs { "a", "b", "c" } do assert_eq(results[name], result(t, name)) end
		assert_contains(there, "ran on host " .. runner.shell "uname -n")
		assert_eq(report(here), report(there))
		assert(has_passed(t, "a") and has_passed(t, "c") and not has_passed(t, "b"))
		assert_no_folder(t)
	end)
end)

test("a launcher that clears environment, folder and descriptors changes no verdict", function()
	local file = "test('has its variables and no make', function()\n" ..
		"assert_eq('tcg', os.getenv 'ACCEL')\nassert_eq(\"it's\", os.getenv 'PROVIUM_WORD')\n" ..
		"assert_eq(nil, os.getenv 'MAKEFLAGS')\nassert(io.open 'tests/a.lua')\nend)\n"
	tree.with({ a = file }, function(t)
		local path = script(t, "cut off", "cd / && exec env -i \"$@\" <&- >&- 2>&-\n")
		for _, launcher in ipairs { "env", runner.quote(path) } do
			local said, status = t:make(("-j2 retest ACCEL=tcg PROVIUM_WORD=\"it's\" LAUNCH=%s")
				:format(runner.quote(launcher)))
			assert_eq(0, status, said)
			assert_contains(said, "ok: 1 passed")
		end
	end)
end)

test("what a launcher prints is not in the report of a file that has a result", function()
	tree.with({ a = PASSES }, function(t)
		local path = script(t, "noisy", "echo noise; echo noise >&2; \"$@\"; echo noise; exit 5\n")
		local said, status = launch(t, path)
		assert_eq(0, status, said)
		assert_eq(nil, said:find("noise", 1, true), said)
		assert(has_passed(t, "a"))
	end)
end)

test("make's job tokens limit how many files are launched at a time", function()
	local files = {}
	for i = 1, 6 do files["f" .. i] = PASSES end
	tree.with(files, function(t)
		local path = script(t, "counted", ("cd %s; echo + >>log; sleep 0.2; \"$@\"; echo - >>log\n"):format(t.dir))
		local said, status = launch(t, path, "-j3")
		assert_eq(0, status, said)
		local now, most = 0, 0
		for sign in t:read("log"):gmatch "[+-]" do
			now = now + (sign == "+" and 1 or -1)
			most = math.max(most, now)
		end
		assert_eq(0, now)
		assert(most >= 2 and most <= 3, most)
	end)
end)

test("{mem} stands for the memory of the file's last run, and else for a default", function()
	tree.with({ a = PASSES }, function(t)
		local path = script(t, "note", ("echo \"$1 $2\" >>%s/log; shift 2; exec \"$@\"\n"):format(t.dir))
		launch(t, path .. " {mem} --mem={mem}")
		local kept = t:read("out/test/small/a.result")
		runner.write(t.dir .. "/out/test/small/a.result", (kept:gsub("^{", '{"memory":1000,')))
		launch(t, "exit 1;", "-W tests/a.lua")		-- keeps what is known
		launch(t, path .. " {mem} x")
		assert_eq("1728M --mem=1728M\n1320M x\n", t:read("log"))
	end)
end)

-- Each: the launcher, and what the message tells of it.
local FAILING = {
	{ "nowhere -n1", "LAUNCH='nowhere %-n1': the launcher ended with status 127 and has not started the runner.*\n" ..
		" *sh: 2: nowhere: not found\n" },
	{ "true", "LAUNCH=true: the launcher ended with status 0 and has not started the runner" },
	{ "echo refused >&2; exit 3;", "the launcher ended with status 3 and has not started the runner.*\n *refused\n" },
	{ "sh -c 'kill -9 $$$$'", "LAUNCH='sh .*': the launcher ended with status 137 and has not started" },
	{ "seq 1 9;false", "started the runner[^\n]*\n *4\n *5\n *6\n *7\n *8\n *9\n *repeat" },
	{ "echo 'it", "the launcher ended with status 2 and has not started the runner.*Unterminated quoted string" },
}

test("a launcher that does not start the runner makes a file BROKEN that has passed before", function()
	tree.with({ a = PASSES }, function(t)
		for _, case in ipairs(FAILING) do
			t:make("retest")
			assert(has_passed(t, "a"))
			t:write("a", PASSES .. "-- " .. case[1] .. "\n")
			local said, status = launch(t, case[1])
			assert_eq(2, status, said)
			assert(said:find(case[2]), said)
			assert_contains(said, "BROKEN: 0 passed, 1 broken (1 file, 0 verdicts reused)")
			assert(not has_passed(t, "a"))
			assert_no_folder(t)
		end
	end)
end)

test("a host that dies in the middle costs only its files, which the next make runs again", function()
	local waits = "os.execute('touch ' .. os.getenv 'PROVIUM_MARK' .. '; exec sleep 60')\n" .. PASSES
	tree.with({ a = PASSES, b = waits, c = PASSES }, function(t)
		local mark = t.dir .. "/mark"
		local path = script(t, "dies", ([[
grep -q b.lua "$1" || exec "$@"
setsid "$@" & until test -e %s; do sleep 0.02; done
echo "launcher: lost contact" >&2; kill -9 -$!; exit 0
]]):format(mark))
		local said, status = launch(t, path, "-j2 PROVIUM_MARK=" .. mark)
		assert_eq(2, status, said)
		assert(said:find("the launcher ended with status 0 after %d+ s, and the runner on host " ..
			runner.shell("uname -n"):gsub("%p", "%%%0") .. " wrote no result: [^\n]*run make again[^\n]*\n" ..
			" *launcher: lost contact\n"), said)
		assert_contains(said, "BROKEN: 2 passed, 1 broken (3 files, 0 verdicts reused)")
		t:write("b", PASSES)
		assert_contains(launch(t, "env"), "ok: 3 passed (3 files, 2 verdicts reused)")
	end)
end)

test("the result of a runner that goes on after its launcher has ended is not taken", function()
	tree.with({ a = "while not io.open(os.getenv 'PROVIUM_GO') do require 'provium.core'.pause(0.02) end\n" .. PASSES }, function(t)
		local go = t.dir .. "/go"
		local path = script(t, "leaves", "setsid \"$@\" & until test -s \"${1%/*}/host\"; do sleep 0.02; done\n")
		local said = launch(t, path, "PROVIUM_GO=" .. go)
		assert_contains(said, "wrote no result")
		runner.write(go, "")
		assert_eq(nil, t:read("out/test/small/a.ok"))
		wait_until(function() return not runner.shell(("grep -lsF %s /proc/[0-9]*/environ"):format(go)):find "%d" end,
			{ timeout = 20, interval = 0.02 })
		assert_eq(nil, t:read("out/test/small/a.ok"))
		assert_contains(launch(t, "env", "PROVIUM_GO=" .. go), "ok: 1 passed")
		assert_no_folder(t)
	end)
end)

-- Writes the pid of the process that has started this launcher, whose group is
-- that of a child of it.
local TELL = [[
group=$(awk '{ print $5 }' /proc/$$/stat)
awk '{ print $4 }' /proc/$group/stat >first
]]
local WAITS = "io.open('started', 'w'):close()\nrequire 'provium.core'.pause(60)\n" .. PASSES

-- Starts make with a file that waits, and once its runner has started, runs a
-- shell command in which $first is the pid of the process that has started the
-- launcher. Returns make's output, and waits for the end of all processes.
local function interrupted(t, launcher, command, args)
	local word = "PROVIUM_MARK=" .. t.dir
	local path = script(t, "launcher", TELL .. launcher)
	local pipe = assert(io.popen(t:command(("test %s %s LAUNCH=%s"):format(args or "", word, path))))
	wait_until(function() return t:read "started" end, { timeout = 20, interval = 0.02 })
	runner.shell(("first=%d; %s"):format(tonumber(t:read "first"), command))
	local said = pipe:read "a"
	pipe:close()
	wait_until(function() return runner.count_marked(word) == 0 end,
		{ timeout = 10, interval = 0.02, desc = "the end of all processes" })
	return said
end

test("SIGINT to make ends the launcher and the runner by SIGTERM, and leaves nothing", function()
	tree.with({ a = WAITS }, function(t)
		-- As srun does, ends its command on SIGTERM and not on SIGINT.
		local said = interrupted(t, "trap '' INT; trap 'echo TERM >>log; kill $p; wait $p' TERM; setsid \"$@\" & p=$!; wait $p\n",
			"kill -INT -$(awk '{ print $5 }' /proc/$first/stat)")
		assert_contains(said, "a.lua ... interrupted")
		assert(said:find("%(the launched runner%) ... interrupted after %d+.%d s\n      at host "), said)
		assert_eq("TERM\n", t:read "log")
		assert_eq(nil, t:read("out/test/small/a.result"))
		assert_no_folder(t)
	end)
end)

test("SIGKILL to the process that has started the launcher ends the launcher and its runner", function()
	tree.with({ a = WAITS }, function(t)
		local said = interrupted(t, "exec \"$@\"\n", "kill -9 $first")
		assert_contains(said, "a.lua ... BROKEN: the runner was killed by signal 9 (Killed)")
		assert_no_folder(t)
	end)
end)

test("GNU parallel with ssh gives files their verdicts, and ends the runner after SIGINT", function()
	if runner.shell "command -v parallel" == "" then skip "needs GNU parallel (make deps-dev)" end
	tree.with({ a = PASSES, b = FAILS }, function(t)
		-- As ssh does: another folder and environment, a command in
		-- words, and processes that get none of its signals.
		local ssh = script(t, "ssh",
			"shift 2; cd /\nsetsid env -i HOME=/ PATH=\"$PATH\" SHELL=/bin/sh sh -c \"$*\" & wait $!\n")
		local said, status = t:make(("-j2 test PARALLEL_SSH=%s LAUNCH='parallel --will-cite -S $$(shuf -n1 -e 1/x 1/y) :::'")
			:format(ssh))
		assert_eq(2, status, said)
		assert_contains(said, "FAIL: 2 passed, 1 failed (2 files, 0 verdicts reused)")
		t:write("a", WAITS)
		said = interrupted(t, ("PARALLEL_SSH=%s exec parallel --will-cite -S 1/x ::: \"$@\"\n"):format(ssh),
			"kill -INT -$(awk '{ print $5 }' /proc/$first/stat)", "T=a")
		assert_contains(said, "a.lua ... interrupted")
	end)
end)

test("a variable LAUNCH of the environment launches nothing", function()
	tree.with({ a = PASSES }, function(t)
		local said = runner.shell((t:command "test":gsub("timeout ", "LAUNCH=false timeout ", 1)))
		assert_contains(said, "ok: 1 passed")
	end)
end)

test("LAUNCH= with RECORD=1, CHAOS= or make stress is an error", function()
	tree.with({ a = PASSES }, function(t)
		for _, args in ipairs { "test RECORD=1", "test CHAOS=3", "stress" } do
			local said, status = t:make(args .. " LAUNCH=env")
			assert_eq(2, status, said)
			assert_contains(said, 'LAUNCH= launches only the files of "make test" and "make retest", without RECORD= and')
		end
	end)
end)

test("--launch without --verdict, or with -f, is refused", function()
	for _, args in ipairs { { "test", "--launch", "env", "x.lua" },
		{ "test", "--launch", "env", "--verdict", "x", "-f", "y", "x.lua" } } do
		local r = runner.run(args)
		assert_eq(2, r.status, r.said)
		assert_contains(r.said, "--launch needs --verdict, and excludes -f, --record and --chaos")
	end
end)
