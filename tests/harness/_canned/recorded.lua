-- SPDX-License-Identifier: GPL-2.0-only
-- For provium test --record: timers, workers, a race and random numbers. What
-- they did is on the console, and the test that prints it fails.

local C = provium.const

test("passes", { fixture = provium.profile }, function(vm)
	assert_eq(0, vm:exec("true").exit_code)
end)

test("prints what differs from run to run", { fixture = provium.profile }, function(vm)
	local a, b = vm:spawn(), vm:spawn()
	local function say(what, value) vm:write_file("/dev/kmsg", ("%s %s\n"):format(what, value)) end
	say("random", vm:exec("cat /proc/sys/kernel/random/uuid").stdout:match("[%x-]+"))
	local sleeps = { a:async("exec", "sleep 0.05; cat /proc/uptime"), b:async("exec", "sleep 0.03; date +%s.%N") }
	for _, call in ipairs(sleeps) do say("timer", call:wait().stdout:match("%S+")) end
	local path = "/tmp/race\0"
	local flags = C.O_CREAT | C.O_EXCL | C.O_WRONLY
	local rounds = provium.race({ a, "syscall", "openat", C.AT_FDCWD, path, flags, 384 },
		{ b, "syscall", "openat", C.AT_FDCWD, path, flags, 384 }, { rounds = 20 })
	say("race", rounds[1][1][1] >= 0 and "a" or "b")
	assert_eq("a message that is never there", vm:exec("dmesg | tail -1").stdout)
end)

test("panics", { fixture = provium.profile }, function(vm)
	vm:exec("echo c >/proc/sysrq-trigger")
end)
