-- SPDX-License-Identifier: GPL-2.0-only
-- make watch: no save is missed, and nothing else leads to a run.

local core = require "provium.core"
local pty = require "pty"
local runner = require "runner"
local tree = require "tree"

local quote = runner.quote

-- A run takes the value of src/value, and writes it to the log some time later.
-- Without the file it fails.
local COMMAND = [[
value=$(cat src/value) || value=none
test ! -e slow || sleep 0.0$(($$ % 7))
echo "$value" >>log
test "$value" != none
]]

local function last_line(text) return text:match("([^\n]*)\n$") or "" end

local Watch = {}
Watch.__index = Watch

function Watch:log() return runner.read(self.dir .. "/log") or "" end

function Watch:runs() return select(2, self:log():gsub("\n", "")) end

function Watch:said() return runner.read(self.dir .. "/said") or "" end

-- Waits until the last run has ended with this value, and no other follows.
function Watch:wait_for(value)
	wait_until(function()
		return last_line(self:log()) == value and last_line(self:said()):find("waiting for the next save", 1, true)
	end, { timeout = 20, interval = 0.005, desc = ("a run with the value %s; it said: %s"):format(value, self:said()) })
end

function Watch:shell(cmd)
	assert_eq("", runner.shell(("cd %s && { %s; } 2>&1"):format(quote(self.dir), cmd)))
end

-- Saves the value in place.
function Watch:save(value) runner.write(self.dir .. "/src/value", value) end

-- Saves the value, and waits for its verdict. Returns how many runs there were.
function Watch:judge(value)
	local before = self:runs()
	self:save(value)
	self:wait_for(value)
	return self:runs() - before
end

-- Calls fn(watch) with a folder in which src/ is watched and the first run has
-- ended. opts: args, before the path; setup, a shell command.
local function with_watch(opts, fn)
	runner.with_folder(function(dir)
		local w = setmetatable({ dir = dir }, Watch)
		w:shell("mkdir src; echo 0 >src/value; " .. (opts.setup or "true"))
		runner.write(dir .. "/command", COMMAND)
		local pid, _ <close> = runner.background(("%s make-watch %s src -- sh ./command"):format(quote(runner.path), opts.args or ""),
			dir, "said")
		w.pid = pid
		w:wait_for("0")
		fn(w)
	end)
end

-- Ways in which programs save src/value, as shell commands.
local WAYS = {
	"echo %d >src/value",
	"echo %d >src/new && mv src/new src/value",
	"rm -f src/value && echo %d >src/value",
	"mv src/value src/value~ && echo %d >src/value && rm src/value~",
	"echo %d >other && ln -f other src/value",
	"echo %d >other && ln -sf ../other src/link && mv src/link src/value",
}

test("make watch sees 100 saves in a row, two of them within 10 ms, and misses none", function()
	with_watch({}, function(w)
		for i = 1, 99, 2 do
			w:save(i .. "\n")
			w:save(i + 1 .. "\n")
			w:wait_for(tostring(i + 1))
		end
		assert(w:runs() <= 101, w:runs())
	end)
end)

test("make watch judges the last of 100 saves that come while it runs", function()
	with_watch({ setup = "touch slow" }, function(w)
		for i = 1, 100 do
			w:shell(WAYS[i % #WAYS + 1]:format(i) .. "; sleep 0.0" .. i % 9)
			-- The last save of ten is the last one for a time.
			if i % 10 == 0 then w:wait_for(tostring(i)) end
		end
	end)
end)

test("make watch sees each way of saving a file", function()
	with_watch({}, function(w)
		for i, way in ipairs(WAYS) do
			w:shell(way:format(i))
			w:wait_for(tostring(i))
		end
		w:shell("echo 77 >other")
		w:wait_for("77")
	end)
end)

test("make watch sees a file that is new, removed, or in a folder that is new", function()
	with_watch({}, function(w)
		local function leads_to_a_run(cmd)
			local before = w:runs()
			w:shell(cmd)
			wait_until(function() return w:runs() > before end,
				{ timeout = 20, interval = 0.005, desc = "a run after " .. cmd })
			w:wait_for("0")
		end
		for _, cmd in ipairs {
			"touch src/a", "rm src/a", "mkdir -p src/b/c/d && touch src/b/c/d/e", "touch src/b/c/d/e",
			"mv src/b src/f", "echo x >>src/f/c/d/e", "rm -r src/f/c", "mkdir -p src/f/c/d && touch src/f/c/d/e",
			"touch src/f/c/d/e", "chmod 600 src/f/c/d/e", "mkdir g && touch g/h && mv g src", "echo x >src/g/h",
		} do
			leads_to_a_run(cmd)
		end
	end)
end)

test("make watch goes on after its folder was removed and made again, as by git checkout", function()
	with_watch({}, function(w)
		for i = 1, 3 do
			w:shell("rm -r src")
			w:wait_for("none")
			assert_contains(w:said(), "failed")
			w:shell(("mkdir src && echo %d >src/value"):format(i))
			w:wait_for(tostring(i))
			assert_eq(1, w:judge("1" .. i))
		end
	end)
end)

test("make watch does not run after changes of editors, of git, and in the folder that is left out", function()
	with_watch({ args = "-x src/out", setup = "mkdir -p src/.git src/out/below" }, function(w)
		w:shell("for f in .value.swp .value.swx 4913 value~ '#value#' .#value .git/index out/a out/below/b; do "
			.. "echo x >src/$f; mv src/$f src/$f.swp; rm src/$f.swp; done; cat src/value >/dev/null; ls src >/dev/null; mkdir src/.x; sleep 0.3")
		w:judge("1")
		assert_eq(2, w:runs())
	end)
end)

test("make watch runs after more changes than inotify can report, and sees folders that came with them", function()
	with_watch({}, function(w)
		local limit = tonumber(runner.read("/proc/sys/fs/inotify/max_queued_events"))
		if limit > 20000 then skip(("needs fs.inotify.max_queued_events of at most 20000, which is %d"):format(limit)) end
		w:shell("kill -STOP " .. w.pid)
		w:shell(("cd src && seq %d | xargs touch && seq %d | xargs rm && mkdir -p new/below && echo 1 >new/below/value")
			:format(limit // 2, limit // 2))
		w:shell("ln -sf new/below/value src/value; kill -CONT " .. w.pid)
		w:wait_for("1")
		w:shell("echo 2 >src/new/below/value")
		w:wait_for("2")
	end)
end)

test("make watch ends the command if it is killed, and says nothing on SIGTERM", function()
	for _, signal in ipairs { "KILL", "TERM" } do
		with_watch({}, function(w)
			runner.write(w.dir .. "/command", "echo $$ >pid; exec sleep 1000\n")
			w:save("1")
			local function pid() return tonumber(runner.read(w.dir .. "/pid") or nil) end
			wait_until(pid, { timeout = 20, interval = 0.005, desc = "the command" })
			os.execute(("kill -%s %d"):format(signal, w.pid))
			runner.assert_gone(pid(), "the command")
			runner.assert_gone(w.pid, "make-watch")
		end)
	end
end)

test("make watch ends when the reader of its output has closed it", function()
	runner.with_folder(function(dir)
		local said = runner.shell(("cd %s && { timeout 20 %s make-watch . -- true; echo $? >.status; } | head -n 2; cat .status")
			:format(quote(dir), quote(runner.path)))
		assert_eq("watch: run 1\nwatch: run 1 passed\n3", (said:gsub(", [%d.]+ s; [^\n]*", "")))
	end)
end)

test("make watch says which limit to raise if inotify cannot watch all folders", function()
	if not os.execute("unshare -Ur true 2>/dev/null") then skip("needs user namespaces (unshare -Ur)") end
	runner.with_folder(function(dir)
		runner.shell(("mkdir -p %s/a/b/c/d"):format(dir))
		local function with_limit(name, value)
			return runner.shell(("cd %s && unshare -Ur sh -c 'echo %d >/proc/sys/user/max_inotify_%s; timeout 20 %s make-watch . -- echo runs' 2>&1; echo $?")
				:format(quote(dir), value, name, quote(runner.path)))
		end
		local said = with_limit("watches", 3)
		assert(said:find("^watch: /[^\n]*: this folder cannot be watched: 3 others are, and the limit[^\n]*"
			.. "; raise it as root: sysctl fs.inotify.max_user_watches=524288\n2$"), said)
		said = with_limit("instances", 0)
		assert(said:find("^watch: inotify cannot be used: [^\n]*; end other programs that watch files, or raise the limit as root: "
			.. "sysctl fs.inotify.max_user_instances=1024\n2$"), said)
	end)
end)

-- --- make watch ---

local GOOD = "test('fine', function() assert_eq(1, (require('helper'))) end)\n"
local BAD = "test('fine', function() assert_eq(2, (require('helper'))) end)\n"
local MAKE = "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T -u PROFILE TERM=xterm PWD=%s make watch T=a"

test("make watch shows failures at the top of the terminal, and Ctrl-C ends it with nothing left", function()
	tree.with({ a = BAD, ["lib/helper"] = "return 1\n" }, function(t)
		pty.build(t.dir)
		runner.write(t.dir .. "/good", GOOD)
		local mark = "WATCHED_BY=" .. t.dir
		local shown, ending = pty.run(t.dir, ("env %s %s"):format(mark, MAKE:format(t.dir)), {
			"expect run 1 failed",
			"run echo return 2 >tests/lib/helper.lua",
			"expect run 2 passed",
			"run cat good >tests/a.lua",
			"expect run 3 failed",
			"send \3",
		})
		-- A line of make about the interrupt can follow.
		assert(ending:find("^exit ") or ending:find("^signal 2"), shown)
		shown = shown:gsub("\r\n", "\n"):gsub("%d+%.%d+ ?s", "Ts")
		assert_contains(shown, "\27[H\27[2Ja.lua ... FAIL (1 of 1 failed, Ts)\n  · fine ... FAIL: expected 2, got 1\n")
		assert_contains(shown, "\27[H\27[2Jwatch: run 2: saved tests/lib/helper.lua\n")
		assert_contains(shown, "ok: 1 passed (1 file, 0 verdicts reused)\nwatch: run 2 passed, Ts; waiting for the next save\n")
		assert_contains(shown, "\27[H\27[2Ja.lua ... FAIL (1 of 1 failed, Ts)\n  · fine ... FAIL: expected 1, got 2\n")
		assert_eq(0, runner.count_marked(mark))
	end)
end)

test("Ctrl-C during a run of make watch ends the run and all of its processes", function()
	tree.with({ a = "os.execute('sleep 60')\n" .. GOOD, ["lib/helper"] = "return 1\n" }, function(t)
		pty.build(t.dir)
		local mark = "WATCHED_BY=" .. t.dir
		local start = core.now()
		local shown, ending = pty.run(t.dir, ("env %s %s"):format(mark, MAKE:format(t.dir)), {
			"expect 1 running", "run touch tests/b.lua", "send \3",
		})
		assert(ending:find("^exit ") or ending:find("^signal 2"), shown)
		assert_contains(shown, "a.lua ... interrupted")
		assert_eq(nil, shown:find("run 2", 1, true))
		assert(core.now() - start < 50, shown)
		wait_until(function() return runner.count_marked(mark) == 0 end,
			{ timeout = 10, interval = 0.05, desc = "the end of all processes" })
	end)
end)

test("make watch T= without a terminal prints plain lines, and goes on after a failed build", function()
	tree.with({ a = GOOD, b = GOOD, ["lib/helper"] = "return 1\n" }, function(t)
		local said = t.dir .. "/said"
		local _, _ <close> = runner.background(MAKE:format(t.dir), t.dir, "said")
		local function expect(text)
			wait_until(function() return (runner.read(said) or ""):find(text, 1, true) end,
				{ timeout = 30, interval = 0.01, desc = ("%q in %s"):format(text, runner.read(said)) })
		end
		expect("run 1 passed")
		runner.write(t.dir .. "/tests/b.lua", "test('other', function() end)\n")
		expect("run 2 passed")
		os.remove(t.dir .. "/tests/a.lua")
		expect("run 3 failed")
		t:write("a", BAD)
		expect("run 4 failed")
		t:write("a", GOOD)
		expect("run 5 passed")
		local text = runner.read(said)
		assert_contains(text, "watch: run 3: saved tests/a.lua\n")
		assert_contains(text, "T=a: no test has this name; choose from: b")
		assert_contains(text, "FAIL: tests/a.lua: fine\n  repeat: ")
		assert_eq(nil, text:find("\27", 1, true))
		assert_eq(nil, text:find("b.lua ...", 1, true))
	end)
end)

test("make watch sees the save of a helper elsewhere that a test has read", function()
	runner.with_folder(function(elsewhere)
		runner.write(elsewhere .. "/helper.lua", "return 1\n")
		tree.with({ a = ("package.path = %q\n"):format(elsewhere .. "/?.lua") .. GOOD }, function(t)
			pty.build(t.dir)
			local shown = pty.run(t.dir, MAKE:format(t.dir), {
				"expect run 1 passed",
				("run echo return 2 >%s/new && mv %s/new %s/helper.lua"):format(elsewhere, elsewhere, elsewhere),
				"expect run 2 failed",
				"send \3",
			})
			assert_contains(shown, ("watch: run 2: saved %s/helper.lua"):format(elsewhere))
		end)
	end)
end)
