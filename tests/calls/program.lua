-- SPDX-License-Identifier: GPL-2.0-only
-- program(): C files of a test's folder.

local runner = require "runner"

local vm = provium.create():boot()

-- Calls fn with a new folder that has these files.
local function with_files(files, fn)
	runner.with_folder(function(dir)
		for name, text in pairs(files) do runner.write(dir .. "/" .. name, text) end
		fn(dir)
		runner.shell(("rm -rf '%s/programs%s'"):format(runner.home, dir))
	end)
end

local KTAP = [[
#include <stdio.h>
#include "names.h"

int main(int argc, char **argv)
{
	printf("TAP version 13\n1..2\nok 1 " FIRST "\nok 2 %s\n", argc > 1 ? argv[1] : "none");
	return 0;
}
]]

test("vm:program() builds a C file, runs it, and takes the results that it prints", function()
	with_files({ ["two.c"] = KTAP, ["names.h"] = '#define FIRST "one"\n' }, function(dir)
		local out = vm:program(dir .. "/two.c", { args = { "it's" } })
		assert_eq({ "one", "it's" }, { out.results[1].name, out.results[2].name })
	end)
end)

test("vm:program() builds again when the C file or a header of it has changed", function()
	with_files({ ["two.c"] = KTAP, ["names.h"] = '#define FIRST "one"\n' }, function(dir)
		vm:program(dir .. "/two.c")
		runner.write(dir .. "/names.h", '#define FIRST "uno"\n')
		runner.shell(("touch -d '1 minute' %s/names.h"):format(dir))
		assert_eq("uno", vm:program(dir .. "/two.c").results[1].name)
		runner.write(dir .. "/two.c", (KTAP:gsub("FIRST", '"eins"')))
		runner.shell(("touch -d '2 minutes' %s/two.c"):format(dir))
		assert_eq("eins", vm:program(dir .. "/two.c").results[1].name)
	end)
end)

test("a program without KTAP is one result, by its exit status or signal", function()
	with_files({ ["good.c"] = "int main(void) { return 0; }\n", ["bad.c"] = "int main(void) { return 3; }\n",
		["skip.c"] = "int main(void) { return 4; }\n", ["dies.c"] = "#include <stdlib.h>\nint main(void) { abort(); }\n" },
		function(dir)
			assert_eq({ { name = "good", verdict = "ok" } }, vm:program(dir .. "/good.c").results)
			assert_error(function() vm:program(dir .. "/bad.c") end, "bad.c: 1 of 1 results failed: bad")
			local err = assert_error(function() vm:program(dir .. "/dies.c") end, "dies.c: ")
			assert_contains(err.message, "killed by signal 6")
			local ok, skipped = pcall(vm.program, vm, dir .. "/skip.c")
			assert_eq({ false, "skip" }, { ok, skipped.kind })
		end)
end)

test("a program has no parent death signal, like a program that a shell has started", function()
	with_files({ ["death.c"] = [[
#include <sys/prctl.h>
int main(void) { int sig = -1; return prctl(PR_GET_PDEATHSIG, &sig) || sig; }
]] }, function(dir)
		assert_eq("ok", vm:program(dir .. "/death.c").results[1].verdict)
		assert_eq("ok", vm:program(dir .. "/death.c", { tty = true }).results[1].verdict)
		assert_eq(0, vm:exec("/run/provium/death").exit_code)
	end)
end)

test("a C file that does not compile fails with the compiler's lines in its own path", function()
	with_files({ ["wrong.c"] = "int main(void) { return none; }\n" }, function(dir)
		local err = assert_error(function() vm:program(dir .. "/wrong.c") end, "wrong.c does not build:\n")
		assert_eq("fail", err.kind)
		assert_contains(err.message, dir .. "/wrong.c:1:25: error: ")	-- gcc's quotation marks depend on the locale
		assert_contains(err.message, "none")
		assert(not err.message:find("make", 1, true), err.message)
		assert_eq("wrong.c", runner.shell("ls " .. dir))
	end)
end)

test("the error of vm:program() for a missing file, or one that is no C file, names it", function()
	assert_error(function() vm:program("none.c") end, "program none.c: there is no such file")
	assert_error(function() vm:program("/etc/passwd") end, "program /etc/passwd: expected a file NAME.c")
end)

test("the verdict of a test depends on its C file and on that file's headers", function()
	with_files({ ["two.c"] = KTAP, ["names.h"] = '#define FIRST "one"\n', ["uses.lua"] = [[
		test("uses", function() provium.create():boot():program("two.c") end)]] }, function(dir)
		local r = runner.run { "test", "--verdict", dir .. "/verdict", dir .. "/uses.lua" }
		assert_contains(r.said, "uses.lua ... ok (1 test, ")
		local inputs = runner.read(dir .. "/verdict.d")
		assert_contains(inputs, dir .. "/two.c")
		assert_contains(inputs, dir .. "/names.h")
	end)
end)
