-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: 40 small fixture tests with -j2 and -j1, measured alternately in
-- one run; medians.

local core = require "provium.core"

local FILES, ROUNDS, LIMIT = 40, 3, 1.6

provium.timeout = "20m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local runner = require "runner"

local TEST = [[
test("a small fixture test writes a file, starts a process and makes a system call", { fixture = provium.profile }, function(vm)
	vm:write_file("/tmp/x", "x")
	assert_eq("x", vm:exec("cat /tmp/x").stdout)
	assert_eq(1, vm:syscall("getppid"))
end)
]]

local MAKEFILE = [[
all: $(patsubst %%.lua,%%.ok,$(wildcard t*.lua))
%%.ok: %%.lua
	+@%s test --verdict $(@:.ok=) $< >/dev/null
]]

local function seconds(dir, jobs)
	os.execute(("rm -f %s/*.ok"):format(dir))
	local start = core.now()
	assert(os.execute(("env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C %s -s -j%d </dev/null"):format(dir, jobs)))
	return core.now() - start
end

test("40 small fixture tests run at -j1 and -j2, and the times' ratio is printed", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/Makefile", MAKEFILE:format(runner.path))
		for i = 1, FILES do runner.write(("%s/t%02d.lua"):format(dir, i), TEST) end
		seconds(dir, 2)
		local one, two = {}, {}
		for i = 1, ROUNDS do one[i], two[i] = seconds(dir, 1), seconds(dir, 2) end
		table.sort(one)
		table.sort(two)
		local a, b = one[ROUNDS // 2 + 1], two[ROUNDS // 2 + 1]
		print(("%-44s %9.3f s  / %9.3f s  = %6.2f  (at least %.1f)%s"):format("40 small fixture tests, -j1 / -j2", a, b, a / b,
			LIMIT, a / b < LIMIT and "  UNDER" or ""))
		assert(true)
	end)
end)
