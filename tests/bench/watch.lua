-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: from the save of a module's source to the verdict of make watch,
-- compared with make test; medians.

local ROUNDS, LIMIT = 9, 1.15

provium.timeout = "60m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local bench = require "bench"
local runner = require "runner"

local TEST = [[
test("the module is loaded", { fixture = provium.profile }, function(vm)
	vm:insmod("one")
	assert(vm:exec("test -d /sys/module/one").ok)
end)
]]

test("a save under make watch is compared with make test", { timeout = "60m" }, function()
	runner.with_folder(function(dir)
		local function save(value)
			runner.write(dir .. "/one.c", ("#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nint one = %d;\n"):format(value))
		end
		local make = ("%s make -C %s/.. MODULE=%s T=loads "):format(bench.CLEAN_ENV, runner.home, dir)
		local function make_test() assert(os.execute(make .. "-s test </dev/null >/dev/null 2>&1")) end
		runner.write(dir .. "/Kbuild", "obj-m := one.o\n")
		runner.add_file(dir .. "/tests/loads.lua", TEST)
		save(0)
		make_test()
		local pid, _ <close> = runner.background(make .. "watch", dir, dir .. "/.said")
		local function verdict(run)
			local passed = ("watch: run %d passed"):format(run)
			wait_until(function() return (runner.read(dir .. "/.said") or ""):find(passed, 1, true) end,
				{ timeout = 120, interval = 0.005, desc = passed })
		end
		verdict(1)
		local watch = runner.shell(("cat /proc/%d/task/%d/children"):format(pid, pid))
		local by_hand, watched = {}, {}
		for round = 1, ROUNDS do
			os.execute("kill -STOP " .. watch)
			save(round)
			by_hand[round] = bench.seconds(make_test)
			os.execute("kill -CONT " .. watch)
			verdict(2 * round)
			save(-round)
			watched[round] = bench.seconds(function() verdict(2 * round + 1) end)
		end
		bench.row("a save under make watch / make test", bench.median(watched), bench.median(by_hand), LIMIT)
		assert(true)
	end)
end)
