-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: a step of make bisect with a module, compared with kbuild alone,
-- in one run; medians.

local core = require "provium.core"

local ROUNDS, ALLOWANCE_S, LIMIT = 5, 0.5, 1.15

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"
local tally = require "tally"

-- Compiles the module ROUNDS times, each time from a source with a new date,
-- and adds the seconds to the list.
local function compile_anew(folder, list)
	for _ = 1, ROUNDS do
		runner.shell(("touch %s/tally.c"):format(folder))
		list[#list + 1] = bench.compile(folder)
	end
end

test("a step of make bisect is compared with the time of compiling the module", { timeout = "60m" }, function()
	runner.with_folder(function(dir)
		local repo, compiled, steps = tally.make(dir .. "/drivers"), {}, {}
		runner.shell(("cp -r %s %s/alone"):format(repo, dir))
		compile_anew(dir .. "/alone/tally", compiled)
		local said = runner.shell(("%s make -C %s/.. bisect GOOD=v1 BAD=main MODULE=%s/tally T=sum </dev/null 2>&1")
			:format(bench.CLEAN_ENV, runner.home, repo))
		local session = assert(said:match("logs and reports: ([^\n]*)"), said)
		compile_anew(dir .. "/alone/tally", compiled)
		for i, step in ipairs(core.json(runner.read(session .. "/summary.json")).steps) do
			-- The first step makes the fixture, too, so its time
			-- does not count.
			if i > 1 and step.verdict ~= "untestable" then steps[#steps + 1] = step.seconds end
		end
		runner.shell("rm -rf " .. runner.quote(session))
		bench.row("step of make bisect / compile time + 0.5 s", bench.median(steps),
			bench.median(compiled) + ALLOWANCE_S, LIMIT)
		assert(true)
	end)
end)
