-- SPDX-License-Identifier: GPL-2.0-only
-- The search for a commit in the history of a kernel tree. It is off unless
-- BISECT_KERNEL= is set, because its first step builds a kernel:
--
--   make test T=kit/bisect_kernel BISECT_KERNEL=$PWD/out/src/linux-source-6.1

local core = require "provium.core"
local history = require "history"
local kernel_history = require "kernel_history"
local runner = require "runner"

provium.timeout = "3h"

local from = os.getenv "BISECT_KERNEL"

-- Returns what a user sees of the repository, which must not change.
local function state(repo) return history.git(repo, "status") .. history.git(repo, "show-ref") end

-- Runs make bisect. Returns its output and the folder of the session.
local function search(repo, tests)
	local kit = runner.shell("realpath " .. runner.quote(runner.home .. "/.."))
	local said = runner.shell(("env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T nice make -C %s bisect GOOD=v1 BAD=main " ..
		"KERNEL_SRC=%s TESTS=%s </dev/null 2>&1"):format(runner.quote(kit), repo, tests))
	return said, said:match("logs and reports: ([^\n]*)") or error(said, 0)
end

-- Returns the objects of the session's kernel, and those of its last step.
local function count_objects(session, built)
	local objects = ("find %s -name '*.o'"):format(built)
	local all = runner.shell(objects .. " | wc -l")
	return tonumber(all), tonumber(runner.shell(("%s -newer %s/.step | wc -l"):format(objects, session)))
end

test("make bisect finds a bug in the history of a kernel tree", { timeout = "3h" }, function()
	if not from then skip("builds a kernel: BISECT_KERNEL= names the tree") end
	runner.with_folder(function(dir)
		local repo = kernel_history.make(dir .. "/linux", from)
		runner.shell("mkdir " .. dir .. "/tests")
		runner.write(dir .. "/tests/semaphore.lua", kernel_history.TEST)
		local before = state(repo)
		local said, session = search(repo, dir .. "/tests")
		log(said)
		local built = ("%s/kernel/linux-%s"):format(runner.home,
			runner.shell(("echo %s/src/linux | cksum"):format(session)):match("%d+"))
		local remove = function() runner.shell(("rm -rf %s %s"):format(session, built)) end
		local _ <close> = setmetatable({}, { __close = remove })
		assert_contains(said, "The first bad commit is " .. history.git(repo, "rev-parse v" .. kernel_history.BUG))
		assert_eq(before, state(repo))
		local reasons = {}
		for _, step in ipairs(core.json(runner.read(session .. "/summary.json")).steps) do
			reasons[#reasons + 1] = step.verdict == "untestable" and step.reason or nil
		end
		assert_contains(table.concat(reasons, "\n"), "no boot")
		local all, last = count_objects(session, built)
		assert(last > 0 and last < all / 10, ("the last step compiled %d of %d objects"):format(last, all))
	end)
end)
