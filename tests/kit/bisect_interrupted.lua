-- SPDX-License-Identifier: GPL-2.0-only
-- Sessions of make bisect that are interrupted or meet a fault of the host,
-- with a module that is a Lua file.

local core = require "provium.core"
local history = require "history"
local runner = require "runner"
local small_kit = require "small_kit"

local KILLS = tonumber(os.getenv "BISECT_KILLS" or 4)

provium.timeout = ("%dm"):format(20 + KILLS)

-- 8 commits; from the 6th on, the module has the bug.
local function history_of_8(n)
	return n == 4 and { build = small_kit.NO_BUILD } or { module = n >= 6 and small_kit.BUG or small_kit.GOOD }
end

local SEARCH = "bisect GOOD=v1 BAD=main"

-- --- faults of the host ---

test("make bisect stops at a fault of the host, and the same command continues", function()
	small_kit.with(8, history_of_8, function(kit)
		local modules = runner.read(kit.dir .. "/mk/modules.mk")
		runner.write(kit.dir .. "/mk/modules.mk", modules:gsub("sh %$", "test ! -e disk-full || { echo 'No space left on device'; exit 1; }; %0"))
		runner.write(kit.dir .. "/disk-full", "")
		local said, status = kit:make(SEARCH)
		assert_eq(2, status)
		assert_contains(said, "while building: No space left on device\n")
		assert_contains(said, "give the same command: the session goes on with this commit.")
		os.remove(kit.dir .. "/disk-full")
		assert_contains(kit:make(SEARCH), "subject: tally: version 6\n")
	end)
end)

-- A git that kills itself if its arguments contain the word in the file
-- "kill-git".
local GIT = [[
#!/bin/sh
word=$(cat %s/kill-git 2>/dev/null)
case $word:$* in :*) ;; *:*"$word"*) kill -9 $$ ;; esac
PATH=${PATH#*:} exec git "$@"
]]

-- Calls fn(kit) with a repository whose module needs a submodule, and where git
-- is killed as long as kit:kill_git(WORD) wants it.
local function with_killed_git(fn)
	small_kit.with_submodule(4, 3, function(kit)
		runner.shell("mkdir " .. kit.dir .. "/bin")
		runner.write(kit.dir .. "/bin/git", GIT:format(kit.dir))
		runner.shell("chmod +x " .. kit.dir .. "/bin/git")
		kit.env = ("PATH=%s/bin:%s"):format(kit.dir, os.getenv "PATH")
		kit.kill_git = function(_, word) runner.write(kit.dir .. "/kill-git", word) end
		fn(kit)
	end)
end

local SEARCH_4 = "bisect GOOD=main~3 BAD=main"

for _, word in ipairs {
	"rev-parse --verify", "merge-base --is-ancestor", "config -f .gitmodules", "submodule update",
} do
	test(("make bisect blames no commit if \"git %s\" is killed"):format(word), function()
		with_killed_git(function(kit)
			kit:kill_git(word)
			local said, status = kit:make(SEARCH_4)
			assert_contains(said, "was killed by signal 9")
			assert_eq(2, status)
			kit:kill_git("")
			assert_contains(kit:make(SEARCH_4), "subject: plus 3\n")
		end)
	end)
end

-- git that is killed leaves half of a submodule's clone, locks and new files.
test("make bisect repairs its clone after an interruption", function()
	with_killed_git(function(kit)
		kit:kill_git("bisect start")
		kit:make(SEARCH_4)
		local dir = kit:session()
		runner.shell(("cd %s/src/drivers/.git && rm modules/plus/HEAD %s/steps/*/verdict.json && touch packed-refs.new index.lock")
			:format(dir, dir))
		kit:kill_git("")
		assert_contains(kit:make(SEARCH_4), "subject: plus 3\n")
	end)
end)

-- The files of a kernel build that was interrupted after five minutes: the
-- linker, which was killed, has left an archive without its command file.
test("make bisect removes only the last outputs of a build that was interrupted", function()
	with_killed_git(function(kit)
		kit:kill_git("bisect start")
		kit:make(SEARCH_4)
		local dir = kit:session()
		local built = ("%s/out/kernel/drivers-%s/minimal"):format(kit.dir,
			runner.shell(("echo %s/src/drivers | cksum"):format(dir)):match("%d+"))
		runner.shell(("mkdir -p %s && cd %s && touch -d '6 minutes ago' %s/.step before.o && touch -d '5 minutes ago' a.o .a.o.cmd && " ..
			"touch built-in.a vmlinux b.o Kconfig"):format(built, built, dir))
		kit:kill_git("")
		kit:make(SEARCH_4)
		assert_eq(".a.o.cmd Kconfig a.o before.o", runner.shell(("cd %s && echo .[a-z]* *"):format(built)))
	end)
end)

-- --- interruptions ---

local function descendants(pid)
	local children, list = {}, { pid }
	for line in runner.shell("cat /proc/[0-9]*/stat 2>/dev/null"):gmatch("[^\n]+") do
		local p, parent = line:match("^(%d+) %(.*%) %a (%d+)")
		if p then
			children[parent] = children[parent] or {}
			table.insert(children[parent], tonumber(p))
		end
	end
	local at = 1
	while list[at] do
		for _, child in ipairs(children[tostring(list[at])] or {}) do list[#list + 1] = child end
		at = at + 1
	end
	return list
end

-- Starts make bisect, and returns its pid and a function that waits for its
-- end and returns its output.
local function start(kit, args)
	local out = os.tmpname()
	local pipe = assert(io.popen(("( %s ) >%s & echo $!; exec >&- 2>/dev/null; wait $!"):format(kit:command(args), out)))
	return tonumber(pipe:read("l")), function()
		pipe:close()
		local said = runner.read(out)
		os.remove(out)
		return said
	end
end

local SIGNALS = { "KILL", "TERM", "INT" }

-- Sends a random signal to a random process of a session, at a random moment
-- within the given number of seconds. Returns what happened as text.
local function interrupt(kit, seconds)
	local pid, wait = start(kit, SEARCH)
	core.pause(math.random() * seconds)
	local all = descendants(pid)
	table.remove(all, 1)		-- timeout(1), which is no part of the session
	if #all == 0 then return "it had ended:\n" .. wait() end
	local victim, signal = all[math.random(#all)], SIGNALS[math.random(#SIGNALS)]
	local name = runner.read(("/proc/%d/comm"):format(victim)) or "nothing\n"
	os.execute(("kill -%s %d 2>/dev/null"):format(signal, victim))
	return ("%s to %s:\n%s"):format(signal, name, wait())
end

test("a bisect session interrupted at a random moment goes on and finds the commit", { timeout = provium.timeout }, function()
	small_kit.with(8, history_of_8, function(kit)
		local before, seconds = history.state(kit.repo), 4
		for i = 1, KILLS do
			runner.shell("mkdir " .. kit.dir .. "/tmp")
			kit.env = ("TMPDIR=%s/tmp"):format(kit.dir)
			local seed = tonumber(os.getenv "BISECT_SEED") or os.time() + i
			math.randomseed(seed)
			local begin, what = core.now(), interrupt(kit, seconds)
			local said = kit:make(SEARCH)
			seconds = core.now() - begin		-- about the time of a session
			assert(said:find("subject: tally: version 6\n", 1, true), ("BISECT_SEED=%d: %s\nthen:\n%s"):format(seed, what, said))
			assert_eq(before, history.state(kit.repo))
			local dir = kit:session()
			assert(os.remove(kit.dir .. "/tmp"))		-- fails unless the folder is empty
			assert_eq("", runner.shell(("fuser %s/.children 2>/dev/null"):format(dir)))
			log(("%d: BISECT_SEED=%d: %s"):format(i, seed, what:match("[^\n]*")))
			if i % 2 == 1 then runner.shell("rm -rf " .. dir) end
		end
	end)
end)

test("make bisect tests no commit a second time after an interruption", function()
	small_kit.with(8, history_of_8, function(kit)
		local pid, wait = start(kit, SEARCH)
		local steps = kit.dir .. "/out/bisect/*/steps"
		wait_until(function() return runner.shell(("ls %s 2>/dev/null | wc -l"):format(steps)) >= "4" end,
			{ timeout = 60, interval = 0.02, desc = "the fourth step" })
		os.execute(("kill -INT %d"):format(pid))
		wait()
		local done = runner.shell(("cd %s && stat -c '%%n %%y' */verdict.json"):format(steps))
		local said = kit:make(SEARCH)
		assert_contains(said, "bisect: going on with the session in ")
		assert_contains(said, "subject: tally: version 6\n")
		for line in done:gmatch("[^\n]+") do
			assert_contains(runner.shell(("cd %s && stat -c '%%n %%y' */verdict.json"):format(steps)), line)
		end
	end)
end)

test("two bisect sessions can run at once, but not one session in two runs of make", function()
	small_kit.with(8, history_of_8, function(kit)
		local modules = runner.read(kit.dir .. "/mk/modules.mk")
		runner.write(kit.dir .. "/mk/modules.mk", (modules:gsub("\t@sh", "\t@sleep 2; sh")))
		local _, wait = start(kit, SEARCH)
		wait_until(function() return kit:session():find("tally%-") end,
			{ timeout = 60, interval = 0.02, desc = "the session" })
		local said, status = kit:make(SEARCH)
		assert_contains(said, "works on this session; ")
		assert_eq(2, status)
		assert_contains(kit:make("bisect GOOD=v1 BAD=main MATCH='got 22'"), "subject: tally: version 6\n")
		assert_contains(wait(), "subject: tally: version 6\n")
	end)
end)
