-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: a step of make bisect with a module, compared with kbuild alone,
-- in one run; medians.

local core = require "provium.core"

local ROUNDS, ALLOWANCE_S, LIMIT = 5, 0.5, 1.15

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local runner = require "runner"
local tally = require "tally"

local CLEAN = "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T"

local function median(t)
	table.sort(t)
	return t[#t // 2 + 1]
end

-- Compiles the module, whose source is new, ROUNDS times.
local function compile(dir, list)
	local kernel = runner.shell(("dirname $(realpath %s/profile/%s/debug/vmlinux)"):format(runner.home, provium.profile))
	for _ = 1, ROUNDS do
		runner.shell(("touch %s/tally/tally.c"):format(dir))
		local start = core.now()
		assert(os.execute(("%s make -s -C %s M=%s/tally KCFLAGS=-g modules"):format(CLEAN, kernel, dir)))
		list[#list + 1] = core.now() - start
	end
end

test("a step of make bisect is compared with the time of compiling the module", { timeout = "60m" }, function()
	runner.with_folder(function(dir)
		local repo, compiled, steps = tally.make(dir .. "/drivers"), {}, {}
		runner.shell(("cp -r %s %s/alone"):format(repo, dir))
		compile(dir .. "/alone", compiled)
		local said = runner.shell(("%s make -C %s/.. bisect GOOD=v1 BAD=main MODULE=%s/tally T=sum </dev/null 2>&1")
			:format(CLEAN, runner.home, repo))
		local session = assert(said:match("logs and reports: ([^\n]*)"), said)
		compile(dir .. "/alone", compiled)
		for i, step in ipairs(core.json(runner.read(session .. "/summary.json")).steps) do
			-- The first one makes the fixture.
			if i > 1 and step.verdict ~= "untestable" then steps[#steps + 1] = step.seconds end
		end
		runner.shell("rm -rf " .. runner.quote(session))
		local ours, base = median(steps), median(compiled) + ALLOWANCE_S
		print(("%-44s %9.3f s  / %9.3f s  = %6.2f  (at most %.2f)%s"):format("step of make bisect / compile time + 0.5 s",
			ours, base, ours / base, LIMIT, ours / base > LIMIT and "  OVER" or ""))
		assert(true)
	end)
end)
