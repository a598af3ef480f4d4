-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of hosts, kernels and suites: each gets the right verdict and message,
-- and no QEMU is left. The suites are in harness/_canned/ and run in a runner
-- of their own.

local runner = require "runner"

runner.scale_limits()

-- Runs a canned suite that prints its QEMU's pid; that QEMU must have ended
-- after it.
local function run(suite, opts)
	local r = runner.run({ "test", suite }, opts)
	for pid in r.said:gmatch("qemu (%d+)\n") do runner.assert_gone(tonumber(pid)) end
	return r
end

-- Returns the report's lines about tests: "TITLE ... VERDICT: MESSAGE".
local function outcomes(r)
	local list = {}
	for line in r.said:gmatch("  · ([^\n]*)") do list[#list + 1] = line end
	return list
end

test("a VM that a test file leaves running ends with the file", function()
	local r = run("vm_good.lua")
	assert_eq(0, r.status)
	assert(r.said:find("qemu %d+\n"), "no QEMU ran: " .. r.said)
end)

test("the first line of a run names the accelerator and the reason for it", function()
	assert(run("vm_good.lua").said
		:find("\naccel [%a/]+, [%w_-]+[^:\n]*: [^\n]+\n"), "no line about the accelerator")
end)

-- --- faults of QEMU ---

test("QEMU killed during a call: the test is BROKEN at once, exit status 3", function()
	local r = run("vm_qemu_killed.lua")
	assert_eq(3, r.status)
	local list = outcomes(r)
	assert_contains(list[1], "QEMU is killed during a call ... BROKEN: exec \"sleep 1000\": QEMU was killed by signal 9 (Killed)")
	assert_contains(list[2], "the next call ... BROKEN: syscall getpid: QEMU was killed by signal 9 (Killed)")
	assert_contains(r.said, "BROKEN: 0 passed, 2 broken\n")
end)

test("QEMU ended by SIGTERM during a call: the test is BROKEN with QEMU's message", function()
	local r = run("vm_qemu_killed.lua", { env = { SIGNAL = "TERM" } })
	assert_eq(3, r.status)
	assert_contains(outcomes(r)[1], "QEMU is killed during a call ... BROKEN: exec \"sleep 1000\": QEMU ended: terminating on signal 15")
end)

test("QEMU is not installed: BROKEN with the command that installs it, exit status 3", function()
	local r = run("vm_good.lua", { env = { PATH = "/nowhere", ACCEL = "auto", TRANSPORT = "auto" } })
	assert_eq(3, r.status)
	assert_contains(r.said, "BROKEN: boot " .. provium.profile .. ": cannot start qemu-system-x86_64: No such file or directory (is QEMU installed? `make ")
end)

test("the error for a VM larger than the host's memory has both sizes", function()
	local r = run("vm_too_large.lua")
	assert_eq(1, r.status)
	assert_contains(r.said, "FAIL: boot " .. provium.profile .. ": needs 921600096 MiB of memory in all (96 MiB of it QEMU's overhead), but this machine can give only ")
end)

test("QEMU refuses its arguments: BROKEN with QEMU's own message, exit status 3", function()
	runner.with_folder(function(gate)	-- so that no other runner waits behind this reservation
		local r = run("vm_too_large.lua", { env = { PROVIUM_GATE = gate, PROVIUM_MEM = "1000000G" } })
		assert_eq(3, r.status)
		assert_contains(r.said, "BROKEN: boot " .. provium.profile .. ": QEMU exited with status 1:")
		assert_contains(r.said, "annot allocate memory")
	end)
end)

test("300 unclosed clones: the error has their memory in all, and no QEMU is left", function()
	runner.with_folder(function(gate)
		local r = run("vm_clones.lua", { env = { CLONES = 300, PROVIUM_GATE = gate, PROVIUM_MEM = "1G" } })
		assert_eq(1, r.status, r.said)
		local needed = r.said:match("keeps its clones %.%.%. FAIL: resume " .. provium.profile ..
			": needs (%d+) MiB of memory in all %(96 MiB of it QEMU's overhead%), but %-%-mem allows only 1024 MiB\n")
		assert(tonumber(needed) > 1024, r.said)
		assert_eq("", runner.shell("grep -lsaF -- " .. gate .. " /proc/[0-9]*/environ"))
	end)
end)

-- --- guests that do not boot ---

test("a kernel that panics at boot: the failure has the panic with its stack", function()
	local r = run("vm_boot_panic.lua")
	assert_eq(1, r.status)
	assert_contains(r.said, "boot " .. provium.profile .. ": the guest panicked: Kernel panic - not syncing: ")
	assert(r.said:find("kernel of VM 1 reported: Kernel panic: .*| %[[^]]*%]  panic%+"), r.said)
	assert_contains(r.said, "logs kept in ")
end)

test("an agent that does not answer: the error has the time limit and the console end", function()
	local r = run("vm_no_hello.lua", { env = { BOOT_TIMEOUT = "5s" } })
	assert_eq(1, r.status)
	assert(r.said:find("boot " .. provium.profile .. ": the agent in the guest did not answer within [%d.]+ s; console ends:\n"), r.said)
	assert_contains(r.said, "Run /sleeper as init process")
end)

test("the whole console of a failed boot is kept as console-1.log", function()
	local r = run("vm_boot_panic.lua")
	local logs = r.said:match("logs kept in ([^\n]+)"):gsub("^HOME", runner.home)
	assert_contains(runner.read(logs .. "/console-1.log"), "Linux version ")
	assert_contains(runner.read(logs .. "/console-1.log"), "Kernel panic - not syncing")
end)

test("two test files of the same name in different folders have separate logs", function()
	runner.with_folder(function(dir)
		local folders = {}
		for _, name in ipairs { "a", "b" } do
			os.execute("mkdir " .. runner.quote(dir .. "/" .. name))
			runner.write(("%s/%s/same.lua"):format(dir, name),
				"provium.create()\ntest('fails', function() assert(false) end)\n")
		end
		local r = runner.run({ "test", "a/same.lua", "b/same.lua" }, { cwd = dir })
		for folder in r.said:gmatch("logs kept in ([^\n]+)") do folders[#folders + 1] = folder end
		assert_eq({ "HOME/logs/a/same", "HOME/logs/b/same" }, folders)
		r = runner.run({ "test", dir .. "/a/same.lua" }, { cwd = "/" })
		assert_contains(r.said, ("logs kept in HOME/logs%s/a/same\n"):format(dir))
	end)
end)

-- --- the guest dies ---

test("a guest that panics in a test: its tests fail, and the next file runs", function()
	local r = runner.run { "test", "vm_panic.lua", "good.lua" }
	assert_eq(1, r.status)
	local list = outcomes(r)
	assert_eq("before ... ok", list[1])
	assert_contains(list[2], "crashes ... FAIL: the kernel complained: Kernel panic: sysrq triggered crash")
	assert_contains(r.said, "exec \"echo c > /proc/sysrq-trigger\": the guest panicked: Kernel panic")
	assert_contains(list[3], "after ... FAIL: exec \"true\": the guest panicked: Kernel panic")
	assert_contains(r.said, "good.lua ... ok (2 tests, Ts)")
	assert_contains(r.said, "FAIL: 3 passed, 2 failed\n")
end)

test("a guest that panics outside of any test: the file is BROKEN, exit status 3", function()
	local r = run("vm_panic_outside.lua")
	assert_eq(3, r.status)
	assert_contains(r.said, "  · (the file) ... BROKEN: exec \"echo c > /proc/sysrq-trigger\": the guest panicked")
end)

-- --- the kernel complains ---

test("a complaint between two tests fails the file", function()
	local r = run("vm_stray.lua")
	assert_eq(1, r.status)
	local list = outcomes(r)
	assert_eq({ "before ... ok", "after ... ok" }, { list[1], list[2] })
	assert_contains(list[3], "(the file) ... FAIL: the kernel complained outside of any test: ")
end)

test("a kernel that becomes tainted between two tests, without a report, fails the file", function()
	local r = run("vm_stray_taint.lua")
	assert_eq(1, r.status)
	local list = outcomes(r)
	assert_eq({ "before ... ok", "after ... ok" }, { list[1], list[2] })
	assert(list[3]:find("^%(the file%) %.%.%. FAIL: outside of any test: the kernel of VM %d+ is tainted %(W: a WARNING%)"), list[3])
end)

-- --- time limits ---

test("a test reaches its time limit in a call: the next test has a working executor", function()
	local r = run("vm_limit.lua")
	assert_eq({
		"hangs in a command ... FAIL: the test's time limit was reached", "the next command ... ok",
		"hangs in a system call ... FAIL: the test's time limit was reached", "the next system call ... ok",
	}, outcomes(r))
	assert_eq(1, r.status)
end)

test("a file reaches its time limit in a call: the rest of the file does not run", function()
	local r = run("vm_file_limit.lua")
	assert_eq(1, r.status)
	local list = outcomes(r)
	assert(list[1]:find("^hangs %.%.%. FAIL: the file's time limit of [%d.]+ s was reached$"), list[1])
	assert(list[2]:find("^%(the file%) %.%.%. FAIL: the file's time limit of [%d.]+ s was reached; the tests after it did not run$"), list[2])
end)

test("a test reaches its time limit in the runner's C code: the file ends 10 s later", function()
	local r = runner.run { "test", "stuck.lua" }
	assert_eq(1, r.status)
	assert_contains(r.said, "a pattern match without an end ... FAIL: timed out inside a C call that could not be interrupted")
end)

-- --- signals to the runner ---

-- Starts a run that never finishes a boot. Returns the runner's pid, QEMU's
-- pid, and a function that waits for the end.
local function start_endless_boot()
	local pid, wait = runner.start({ "test", "vm_no_hello.lua", "good.lua" }, { env = { BOOT_TIMEOUT = "10m" } })
	local qemu = wait_until(function()
		return runner.qemu_below(pid)
	end, { timeout = 20, interval = 0.02, desc = "QEMU" })
	return pid, qemu, wait
end

local function kill(signal, pid) assert(os.execute(("kill -%s %d"):format(signal, pid))) end

for _, signal in ipairs { { "INT", 130 }, { "TERM", 143 }, { "HUP", 129 } } do
	local name, status = table.unpack(signal)
	test(("SIG%s during a boot: the report names the boot, QEMU ends, the exit status is %d"):format(name, status), function()
		local pid, qemu, wait = start_endless_boot()
		kill(name, pid)
		local result, said = wait()
		assert_eq(status, result)
		assert_contains(said, ("at vm_no_hello.lua:4, in boot %s\ninterrupted: 0 passed; 1 file did not run\n"):format(provium.profile))
		runner.assert_gone(qemu)
	end)
end

test("SIGKILL of the runner during a boot: QEMU ends, too", function()
	local pid, qemu, wait = start_endless_boot()
	kill("KILL", pid)
	assert_eq(137, (wait()))
	runner.assert_gone(qemu)
end)

-- --- full disks ---

test("no space for a kept log: the verdict is unchanged, and the report names the log", function()
	if runner.shell("unshare -m true 2>&1 || echo no") ~= "" then skip("unshare -m is not allowed here") end
	local script = ("mkdir -p %s/logs && mount -t tmpfs -o size=4k none %s/logs && exec \"$@\"")
		:format(runner.quote(runner.home), runner.quote(runner.home))
	local prefix = { runner.timeout, "-k", "5", "100", "unshare", "-m", "sh", "-c", script, "sh" }
	local r = run("vm_panic.lua", { prefix = prefix })
	assert_eq(1, r.status)
	assert_contains(r.said, "crashes ... FAIL: ")
	assert_contains(r.said, "logs could not be kept: cannot write HOME/logs/vm_panic/")
	assert_contains(r.said, "No space left on device")
end)

test("no space for a verdict: exit status 3, and no .ok file", function()
	if runner.shell("unshare -m true 2>&1 || echo no") ~= "" then skip("unshare -m is not allowed here") end
	runner.with_folder(function(dir)
		local script = ("mount -t tmpfs -o size=4k none %s && head -c 4096 /dev/zero >%s/full; \"$@\"; status=$?; ls %s; exit $status")
			:format(dir, dir, dir)
		local r = runner.run({ "test", "--verdict", dir .. "/v", "good.lua" },
			{ prefix = { runner.timeout, "-k", "5", "100", "unshare", "-m", "sh", "-c", script, "sh" } })
		assert_eq(3, r.status)
		assert_contains(r.said, "No space left on device")
		assert(not r.said:find("v.ok", 1, true), r.said)
	end)
end)
