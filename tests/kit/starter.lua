-- SPDX-License-Identifier: GPL-2.0-only
-- The test that provium init writes, run as its user would.

local runner = require "runner"

test("the test that init writes passes", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/Kbuild", "obj-m := echo.o\n")
		local r = runner.run({ "init" }, { cwd = dir })
		assert_eq(0, r.status, r.said)
		local env = runner.probed()
		env.PROVIUM_STORE = dir .. "/store"
		r = runner.run({ "test", "tests" }, { cwd = dir, env = env })
		assert_eq(0, r.status, r.said)
		assert_contains(r.said, "echo can be removed and loaded again ... ok")
	end)
end)
