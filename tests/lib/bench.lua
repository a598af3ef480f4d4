-- SPDX-License-Identifier: GPL-2.0-only
-- What the benchmarks of a module's build share.

local core = require "provium.core"
local runner = require "runner"

local bench = {}

bench.CLEAN_ENV = "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T"

function bench.median(t)
	table.sort(t)
	return t[#t // 2 + 1]
end

-- Returns the seconds that fn() takes.
function bench.seconds(fn)
	local start = core.now()
	fn()
	return core.now() - start
end

-- Compiles the module in the folder with kbuild alone. Returns the seconds.
function bench.compile(folder)
	local kernel = runner.shell(("dirname $(realpath %s/profile/%s/debug/vmlinux)"):format(runner.home, provium.profile))
	return bench.seconds(function()
		assert(os.execute(("%s make -s -C %s M=%s KCFLAGS=-g modules"):format(bench.CLEAN_ENV, kernel, folder)))
	end)
end

-- Prints the row of a ratio that must not exceed the limit.
function bench.row(name, ours, base, limit)
	print(("%-44s %9.3f s  / %9.3f s  = %6.2f  (at most %.2f)%s"):format(name, ours, base, ours / base, limit,
		ours / base > limit and "  OVER" or ""))
end

return bench
