-- SPDX-License-Identifier: GPL-2.0-only
-- The results of programs within a test: which result fails if the kernel
-- complains, a time limit is reached or the guest ends meanwhile.

local runner = require "runner"

provium.timeout = "20m"

-- Runs a file with these tests, and returns the runner's output. The tests have
-- vm, a VM with the module faults, and commit, the guest's file to which a
-- fault's name is written to commit the fault.
local function run(tests)
	local said
	runner.with_folder(function(dir)
		runner.write(dir .. "/inner.lua", [[
			local vm = provium.create():boot { memory = "128M" }
			vm:insmod("faults")
			vm:exec("echo on >/proc/sys/kernel/printk_devkmsg")
			local commit = "/sys/module/faults/parameters/commit"
			-- Writes an executable shell script to the guest.
			local function script(text)
				vm:write_file("/tmp/program", "#!/bin/sh\n" .. text, { mode = 493 })
				return "/tmp/program"
			end
			-- Writes the lines of a KUnit suite to the kernel log.
			local function log(lines)
				for line in lines:gmatch "[^\n]+" do vm:write_file("/dev/kmsg", line .. "\n") end
			end
		]] .. tests)
		said = runner.run({ "test", dir .. "/inner.lua" }).said
	end)
	return said
end

test("the result of a program that was running when the kernel complained is a failure", function()
	local said = run [[
		local WARN = "sleep 0.5\necho warn >" .. commit .. "\nsleep 0.5\n"
		test("ktap", function() vm:ktap("echo 1..3; echo ok 1 a\n" .. WARN .. "echo ok 2 b; sleep 0.5; echo ok 3 c") end)
		test("nested", function()
			vm:kselftest(script("echo 1..2; echo ok 1 first\necho '  # Subtest: in'; echo '  1..2'; echo '  ok 1 a'\n" .. WARN ..
				"echo '  ok 2 b'; sleep 0.5; echo ok 2 in\n"))
		end)
		test("ltp", function() vm:ltp("echo 'x.c:1: TPASS: a'\n" .. WARN .. "echo 'x.c:2: TPASS: b' >&2") end)
		test("expected", { expect = "WARNING" }, function() vm:ktap("echo 1..2; echo ok 1 a\n" .. WARN .. "echo ok 2 b") end)
		test("before the program", { expect = "WARNING" }, function()
			vm:exec(WARN)
			vm:ktap("echo 1..1; echo ok 1 a")
		end)
		test("many at once", function() vm:ktap(WARN .. "printf '1..3\nok 1 x\nok 2 y\nok 3 z\n'") end)
	]]
	assert_contains(said, "· ktap ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "      · a ... ok\n      · b ... FAIL: the kernel complained: WARNING in fault_warn\n      · c ... ok\n")
	assert_contains(said, "      · in/a ... ok\n      · in/b ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "      · x.c:1: a ... ok\n      · x.c:2: b ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "· expected ... ok\n      · a ... ok\n      · b ... ok\n")
	assert_contains(said, "· before the program ... ok\n")
	assert_contains(said, "      · x ... FAIL: the kernel complained while this or one of the next 2 results was running: WARNING")
	assert_contains(said, "FAIL: 2 passed, 4 failed")
end)

test("the result of a program that was running when the guest panicked is a failure", function()
	local said = run [[
		test("dies", function()
			vm:ktap("echo KTAP version 1; echo 1..3; echo ok 1 a; echo '  # Subtest: in'; echo '  1..2'; echo '  ok 1 x'\n" ..
				"sleep 0.5; echo panic >" .. commit)
		end)
	]]
	assert_contains(said, "      · a ... ok\n      · in/x ... ok\n      · in/result 2 ... FAIL: the kernel complained: Kernel panic")
	assert_contains(said, "      · result 3 ... FAIL: not run: ")
end)

test("the KUnit test that was running when the kernel complained is a failure", function()
	local said = run [[
		local function suite(name, last)
			log("    KTAP version 1\n    # Subtest: " .. name .. "\n    1..2\n    ok 1 a")
			vm:exec("echo warn >" .. commit)
			log("    ok 2 b\n" .. (last or "ok 1 " .. name))
		end
		vm.insmod = function(_, name) suite(name) end
		test("module", function() vm:kunit("module") end)
		log("KTAP version 1\n1..1")
		suite("at_boot")
		test("at boot", function() vm:kunit("at_boot") end)
	]]
	assert_contains(said, "· module ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "      · module/a ... ok\n      · module/b ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "· at boot ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "      · at_boot/a ... ok\n      · at_boot/b ... FAIL: the kernel complained: WARNING in fault_warn\n")
	assert_contains(said, "FAIL: 0 passed, 2 failed")
end)

test("the KUnit test that was running when the guest hung or panicked is a failure", function()
	local said = run [[
		local function suite(name) log("    KTAP version 1\n    # Subtest: " .. name .. "\n    1..3\n    ok 1 a") end
		vm.insmod = function(_, name)
			suite(name)
			vm:exec(name == "hangs" and "exec sleep 1000" or "echo panic >" .. commit, { timeout = 2 })
		end
		test("hangs", function() vm:kunit("hangs") end)
		test("panics", function() vm:kunit("panics") end)
	]]
	assert_contains(said, "      · hangs/a ... ok\n      · hangs/result 2 ... FAIL: exec \"exec sleep 1000\": no result within")
	assert_contains(said, "      · hangs/result 3 ... FAIL: not run: ")
	assert_contains(said, "      · panics/a ... ok\n      · panics/result 2 ... FAIL: ")
end)

test("a program that prints without end is stopped by its time limit", function()
	local said = run [[
		test("endless", function() vm:ktap("while :; do echo noise; done", { timeout = 1 }) end)
		test("megabytes", function() vm:ktap("echo 1..2; head -c 3000000 /dev/zero; echo; echo ok 1; yes | head -n 50000; echo ok 2") end)
	]]
	assert_contains(said, "· endless ... FAIL: exec \"while :; do echo noise; done\": no result within")
	assert_contains(said, "· megabytes ... ok\n")
end)
