-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --record and provium replay. PROVIUM_RECORDINGS=50 makes that
-- many recordings where one does otherwise.

local runner = require "runner"
local shell, quote = runner.shell, runner.quote

provium.timeout = "60m"

local TIMES = math.tointeger(tonumber(os.getenv("PROVIUM_RECORDINGS") or 1))
local SAME = "the same as recorded: %d+ instructions, %d+ bytes on the console, and the same end\n$"

if runner.lacks_vmlinux("a recorded VM replays") then return end
runner.scale_limits()

local folder = runner.home .. "/record"
local failed, panicked = folder .. "/recorded/vm-2", folder .. "/recorded/vm-3"
local function remove_all() os.execute(("rm -rf %s/recorded %s/records_wrongly"):format(quote(folder), quote(folder))) end
local _ <close> = setmetatable({}, { __close = remove_all })

local function record(...)
	remove_all()
	return runner.run({ "test", "--record", ... }, { prefix = { runner.timeout, "-k", "5", "300" }, raw = true })
end

-- Makes the recordings in the folders above, unless they are there.
local function need_recordings()
	if not runner.read(panicked .. "/recording.json") then assert_eq(1, record("recorded.lua").status) end
end

local function replay(...) return runner.run({ "replay", ... }, { raw = true }) end

local function assert_refused(wanted, ...)
	local r = replay(...)
	assert_eq(2, r.status, r.said)
	assert_contains(r.said, wanted)
end

test("recordings of timers, workers, a race, random numbers and a panic replay to the same console, instruction and end", function()
	local consoles = {}
	for _ = 1, TIMES do
		local r = record("recorded.lua")
		assert_eq(1, r.status, r.said)
		assert_contains(r.said, (" %s replay %s --gdb --until failing-call\n"):format(runner.path, failed))
		assert_eq("vm-2\nvm-3", shell("ls " .. quote(folder .. "/recorded")))
		for _, dir in ipairs { failed, panicked } do
			local again = replay(dir)
			assert_eq(0, again.status, again.said)
			assert(again.said:find(SAME), again.said)
		end
		local console = runner.read(failed .. "/console.log")
		assert_eq(nil, consoles[console], "two recordings are the same")
		consoles[console] = true
	end
end)

test("provium replay --until stops at a test's beginning and at its failing call", function()
	need_recordings()
	local title = "prints what differs from run to run"
	local r = replay(failed, "--until", title)
	assert_eq(0, r.status, r.said)
	assert_contains(r.said, ("stopped at the beginning of test %q: instruction "):format(title))
	assert_eq(nil, r.said:match("random"))
	r = replay(failed, "--until", "failing-call")
	assert_contains(r.said, "stopped at the failing call, exec \"dmesg | tail -1\": instruction ")
	assert(r.said:find("| %[ *%d+%.%d+%] race [ab]\n$"), r.said)
	assert_refused('--until never: the recording has no such event; it has "booted", "prints what differs from run to run", "failing-call", "end", and any number of instructions',
		failed, "--until", "never")
end)

-- Calls fn with a copy of the recording, and with a function that changes the
-- text of its recording.json.
local function with_copy(fn)
	need_recordings()
	runner.with_folder(function(dir)
		shell(("cp %s/*.* %s/log %s"):format(quote(failed), quote(failed), dir))
		fn(dir, function(pattern, text)
			local json, n = runner.read(dir .. "/recording.json"):gsub(pattern, text, 1)
			assert_eq(1, n, "recording.json has no " .. pattern)
			runner.write(dir .. "/recording.json", json)
		end)
	end)
end

test("a recording of another kernel, QEMU, initramfs or argument is refused with the difference", function()
	local function assert_named(wanted, pattern, text)
		with_copy(function(dir, change)
			change(pattern, text)
			assert_refused(("%s cannot be replayed: %s"):format(dir, wanted), dir)
		end)
	end
	assert_named(("the kernel of profile %s has been built anew or replaced; record the test again, or go back"):format(provium.profile),
		'"kernel": *"%x+"', '"kernel": "00"')
	assert_named("the initramfs has changed: ", '"initrd": *"%x+"', '"initrd": "00"')
	assert_named('QEMU is "QEMU emulator version ', '"QEMU emulator version', '"QEMU emulator release')
	assert_named('a VM of this provium and profile has the argument "512M" in place of "64M"', "512M", "64M")
	assert_named('there is no profile "gone"', '"profile": *"[^"]*"', '"profile": "gone"')
	with_copy(function(dir, change)
		change('"format": *%d+', '"format": 99')
		assert_refused(dir .. " is a recording of format 99, and this provium reads format 2; record the test again", dir)
	end)
end)

test("a replay that ends elsewhere, or with another console, is reported as differing", function()
	with_copy(function(dir, change)
		runner.write(dir .. "/console.log", (runner.read(dir .. "/console.log"):gsub("random %x", "random x")))
		local r = replay(dir)
		assert_eq(1, r.status, r.said)
		assert(r.said:find("%f[^\n\0]DIFFERENT from the recording: the console says\n  [^\n]*random %x[^\n]*\nin place of\n  [^\n]*random x"), r.said)
		change('("events": *%[{)"at": *%d+,"event": *"booted"', '%1"at":5,"event":"end"')
		assert_contains(replay(dir).said, " instructions, and not 5\n")
	end)
end)

test("a damaged or truncated recording is refused with what to do", function()
	local again = "record the test again"
	need_recordings()
	with_copy(function(dir)
		runner.write(dir .. "/recording.json", "{")
		assert_refused(dir .. "/recording.json is damaged; " .. again, dir)
	end)
	with_copy(function(dir, change)
		change('"shift": *%d+', '"shift": 11')
		assert_refused(dir .. "/recording.json is damaged; " .. again, dir)
	end)
	with_copy(function(dir)
		os.remove(dir .. "/log")
		assert_refused(dir .. " lacks its log; " .. again, dir)
	end)
	for _, damage in ipairs { "truncate -s 60000 log", "dd if=/dev/zero of=log bs=1 seek=50000 count=5 conv=notrunc 2>/dev/null" } do
		with_copy(function(dir)
			shell(("cd %s && %s"):format(dir, damage))
			assert_refused(dir .. "/log is damaged: it is not what was recorded; " .. again, dir)
		end)
	end
	runner.with_folder(function(dir) assert_refused(dir .. " has no recording.json: it is not the recording of a VM", dir) end)
	assert_refused(("%s/recorded has the recordings of 2 VMs; choose one: %s %s"):format(folder, failed, panicked), folder .. "/recorded")
end)

test("a recorded VM with two processors, a disk, a seed or a snapshot is an error that says what to do", function()
	local r = record("-f", "^[^w]", "records_wrongly.lua")
	assert_eq(1, r.status, r.said)
	assert_contains(r.said, "two processors ... FAIL: boot: a VM with 2 processors cannot be recorded, but only a microvm with one processor and no disks; leave out --record, or cpus\n")
	assert_contains(r.said, "a disk ... FAIL: boot: a VM with disks cannot be recorded, ")
	assert_contains(r.said, "a seed ... FAIL: fixture: seed: a recorded VM boots, and its random numbers are recorded; leave out --record")
	assert_contains(r.said, "a snapshot ... FAIL: snapshot: a VM that is being recorded cannot be saved; leave out --record")
	local function usage(args, env) return runner.run(args, { env = env }).said:match("^[^\n]*") end
	assert_eq("provium test: --record needs ACCEL=tcg, which QEMU can record; it is kvm", usage({ "test", "--record", "good.lua" }, { ACCEL = "kvm" }))
	assert_contains(usage({ "test", "--record", "--gdb", "good.lua" }), "--record excludes --on-failure and --gdb: provium replay --gdb shows")
end)

test("a recorded file that passes leaves no recording", function()
	local r = record("-f", "^passes$", "recorded.lua")
	assert_eq(0, r.status, r.said)
	assert_eq("", shell(("ls -A %s | grep '^recorded$'"):format(quote(folder))))
end)

test("--record with --repeat stops at the first failure and keeps its recording", function()
	runner.with_folder(function(dir)
		local file = runner.write(dir .. "/third.lua", runner.counting_code(dir) .. [[
			test("fails the second time", { fixture = provium.profile }, function() assert(not is_second) end)
		]])
		local r = runner.run({ "test", "--record", "--repeat", "5", file }, { raw = true })
		assert_eq(1, r.status, r.said)
		assert_contains(r.said, "FAIL: 1 passed, 1 failed\n")
		assert_eq("console.log\nlog\nrecording.json", shell(("ls %s/third/vm-1"):format(quote(runner.recordings_of(dir)))))
	end)
end)

test("no recording is kept on a full disk, and the error names the disk", function()
	if shell("unshare -m true 2>&1 || echo no") ~= "" then skip("unshare -m is not allowed here") end
	remove_all()
	local script = ("mkdir -p %s && mount -t tmpfs -o size=100k none %s && \"$@\"; s=$?; find %s -type f; exit $s"):gsub("%%s", (quote(folder):gsub("%%", "%%%%")))
	local prefix = { runner.timeout, "-k", "5", "300", "unshare", "-m", "sh", "-c", script, "sh" }
	local r = runner.run({ "test", "--record", "-f", "^prints", "recorded.lua" }, { prefix = prefix, raw = true })
	assert_eq(1, r.status, r.said)
	assert(r.said:find("provium test: %-%-record: no recording is kept in [^\n]*: QEMU could not write all of the log: the disk of [^\n]* is full or broken\n"), r.said)
	assert(r.said:find("FAIL: 0 passed, 1 failed\n$"), r.said)
end)

-- Starts a recorded run that waits in a call.
local function start_waiting()
	remove_all()
	local pid, finish = runner.start { "test", "--record", "-f", "^waits$", "records_wrongly.lua" }
	local qemu
	wait_until(function()
		qemu = runner.qemu_below(pid)
		return qemu and shell(("cat /proc/%d/fdinfo/* 2>/dev/null | wc -l"):format(qemu)) ~= "0" and
			(tonumber(shell(("stat -Lc %%s /proc/%d/fd/* 2>/dev/null | sort -n | tail -1"):format(qemu))) or 0) > 0
	end, { timeout = 60, interval = 0.05, desc = "a recorded VM" })
	os.execute("sleep 2")
	return pid, finish, qemu
end

test("Ctrl-C during a recorded run keeps a recording that replays", function()
	local pid, finish, qemu = start_waiting()
	os.execute("kill -INT " .. pid)
	finish()
	runner.assert_gone(qemu)
	local r = replay(folder .. "/records_wrongly/vm-1")
	assert_eq(0, r.status, r.said)
	assert(r.said:find(SAME), r.said)
end)

test("a recorded run that is killed leaves neither QEMU nor a file", function()
	local pid, finish, qemu = start_waiting()
	os.execute("kill -KILL " .. pid)
	finish()
	runner.assert_gone(qemu)
	assert_eq("", shell(("find %s -path '*records_wrongly*' -type f"):format(quote(folder))))
end)
