-- SPDX-License-Identifier: GPL-2.0-only
-- The search for a commit in the history of a real module: make bisect, and git
-- bisect run with provium check.

local core = require "provium.core"
local history = require "history"
local kernel_options = require "kernel_options"
local runner = require "runner"
local tally = require "tally"

provium.timeout = "20m"

local dir, _ <close> = runner.new_folder()
local repo = tally.make(dir .. "/drivers")
local bug = history.git(repo, "rev-parse v" .. tally.BUG)
-- What a kernel with KASAN reports of the bug, and what the test of the module
-- finds without: tests/lib/tally.lua.
local options = kernel_options()
local failure = options and options.CONFIG_KASAN and "KASAN: use-after-free in tally_add" or 'expected "42\\n", got "22\\n"'
local kit = runner.shell("realpath " .. runner.quote(runner.home .. "/.."))

local function run(command)
	return runner.shell(("cd %s && timeout 1000 env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T %s </dev/null 2>&1")
		:format(runner.quote(repo), command))
end

test("make bisect finds a module's bug among 64 commits, past untestable ones", { timeout = "10m" }, function()
	local before = history.state(repo)
	local said = run(("make -C %s bisect GOOD=v1 BAD=main MODULE=%s/tally T=sum"):format(runner.quote(kit), repo))
	local session = said:match("logs and reports: ([^\n]*)")
	assert(session, said)
	local remove = function() runner.shell("rm -rf " .. runner.quote(session)) end
	local _ <close> = setmetatable({}, { __close = remove })
	assert_contains(said, "The first bad commit is " .. bug)
	assert_contains(said, failure)
	assert_eq(before, history.state(repo))
	local reasons = {}
	for _, step in ipairs(core.json(runner.read(session .. "/summary.json")).steps) do
		reasons[#reasons + 1] = step.verdict == "untestable" and step.reason or nil
	end
	local all = table.concat(reasons, "\n")
	for _, reason in ipairs { "it does not build: ", "insmod tally: ENODEV", "another test fails: the module tells its name" } do
		assert_contains(all, reason)
	end
end)

test("git bisect run with provium check finds the bug of a module", { timeout = "10m" }, function()
	history.git(repo, "bisect start main v30")
	local said = run(("git bisect run %s check MODULE=%s/tally MATCH=%s"):format(runner.quote(runner.path), repo,
		runner.quote(failure)))
	assert_contains(said, bug .. " is the first bad commit")
end)

test("a guest that does not boot makes a commit untestable: the record says so", function()
	runner.write(dir .. "/provium.toml", runner.profile_toml({ append = "rdinit=/none init=/none" }, "no_init"))
	runner.write(dir .. "/t.lua", [[
test("boots", function() provium.create("no_init"):boot() end)
test("a fixture", { fixture = "no_init" }, function() end)
test("fails", function() assert(false) end)
]])
	runner.run({ "test", "--verdict", dir .. "/verdict", "t.lua" }, { cwd = dir, env = runner.probed() })
	local marks = {}
	local record = core.json(runner.read(dir .. "/verdict.result"))
	for i, item in ipairs(record.tests) do marks[i] = item.setup or false end
	assert_eq({ true, true, false }, marks)
end)
