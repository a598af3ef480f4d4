-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: what it costs to read the kernel log for each test, and to
-- compile a kernel with the line tables from which a stack gets its lines;
-- measured alternately in one run; medians.

local ROUNDS, TESTS = 9, 100
local TEST_LIMIT_MS, COMPILE_LIMIT = 3, 1.1
local NR_SOURCES = 24

provium.timeout = "30m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"

-- Each round makes calls in tests of their own, and as many in one test. Writes
-- the seconds of each round.
local FILE = [[
local core = require "provium.core"
local out = assert(io.open(%q, "w"))
local vm = provium.create():boot()
local function seconds(fn)
	local start = core.now()
	fn()
	return core.now() - start
end
for round = 1, %d do
	local many = seconds(function()
		for i = 1, %d do test(("round %%d, test %%d"):format(round, i), function() assert(vm:syscall("getpid")) end) end
	end)
	local one = seconds(function()
		test(("round %%d, in one test"):format(round), function() for _ = 1, %d do assert(vm:syscall("getpid")) end end)
	end)
	out:write(many, " ", one, "\n")
end
out:close()
]]

test("the time of a test with its kernel log is compared with that of its calls", function()
	runner.with_folder(function(dir)
		local file = runner.write(dir .. "/many.lua", FILE:format(dir .. "/times", ROUNDS, TESTS, TESTS))
		local r = runner.run({ "test", file }, { raw = true })
		assert_eq(0, r.status, r.said)
		local costs = {}
		for many, one in runner.read(dir .. "/times"):gmatch("(%S+) (%S+)") do
			costs[#costs + 1] = (tonumber(many) - tonumber(one)) / TESTS * 1e3
		end
		local cost = bench.median(costs)
		print(("%-44s %9.3f ms %27s (at most %.2f)%s"):format("a test beside the calls in it", cost, "", TEST_LIMIT_MS,
			cost > TEST_LIMIT_MS and "  OVER" or ""))
		assert_eq(ROUNDS, #costs)
	end)
end)

-- Returns the commands that compiled some of the kernel's sources, evenly
-- chosen: they write to /dev/null, and have no line tables.
local function compile_commands(kernel)
	local all, chosen = {}, {}
	for line in runner.shell(("cd %s && grep -h '^cmd_.*\\.c ' kernel/.*.o.cmd mm/.*.o.cmd fs/.*.o.cmd")
			:format(runner.quote(kernel))):gmatch("[^\n]+") do
		local command = line:match("^cmd_[^ ]* := (gcc .*) %-c %-o ")
		if command and command:find(" %-g1 ") then all[#all + 1] = line end
	end
	assert(#all >= NR_SOURCES, ("%s: %d sources were compiled with line tables"):format(kernel, #all))
	for i = 1, NR_SOURCES do
		local command, source = all[i * #all // NR_SOURCES]:match("^cmd_[^ ]* := (gcc .*) %-c %-o [^ ]+ ([^ ;]+%.c)")
		chosen[i] = ("%s -c -o /dev/null %s"):format(command:gsub("%-Wp,%-MMD,%S+", ""), source)
	end
	return chosen
end

test("compiling sources of the kernel with line tables is compared with compiling without", function()
	local kernel = runner.shell(("dirname $(realpath %s/profile/%s/debug/vmlinux)"):format(runner.quote(runner.home),
		provium.profile))
	local commands, with, without = compile_commands(kernel), {}, {}
	local function compile(edit)
		return bench.seconds(function()
			for _, command in ipairs(commands) do
				assert(os.execute(("cd %s && %s"):format(runner.quote(kernel), edit(command))))
			end
		end)
	end
	for i = 1, 3 do
		with[i] = compile(function(command) return command end)
		without[i] = compile(function(command) return (command:gsub(" %-g1 ", " ")) end)
	end
	bench.row(("%d kernel sources with line tables / without"):format(NR_SOURCES), bench.median(with),
		bench.median(without), COMPILE_LIMIT)
	assert(true)
end)
