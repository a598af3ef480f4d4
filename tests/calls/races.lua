-- SPDX-License-Identifier: GPL-2.0-only
-- Two workers driven into one another on purpose.

local echo = require "echo_device"
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create("minimal"):boot { cpus = 2 }
vm:insmod("echo")

local ROUNDS = 1000
local a, b = vm:spawn(), vm:spawn { thread = true }

local RACY_ROUNDS = 200		-- each of them sleeps in the window

-- What the counter is after both sides added 1 in every round.
local function count_after(cmd, nr)
	local fa, fb = echo.open(a), echo.open(b)
	assert_eq(0, (vm:ioctl(echo.open(vm), echo.COUNT_SET, pack("u64", 0))))
	local rounds = provium.race({ a, "ioctl", fa, cmd, pack("u64", 1) }, { b, "ioctl", fb, cmd, pack("u64", 1) },
		{ rounds = nr })
	local _, count = a:ioctl(fa, echo.COUNT)
	return (unpack("u64", count)), rounds
end

test("every round has both results", function()
	local rounds = provium.race({ a, "syscall", "getpid" }, { b, "syscall", "gettid" }, { rounds = ROUNDS })
	assert_eq(ROUNDS, #rounds)
	for _, round in ipairs(rounds) do assert_eq({ { a.pid }, { b.tid } }, round) end
end)

test("a counter without a lock loses updates", function()
	local count, rounds = count_after(echo.ADD_RACY, RACY_ROUNDS)
	assert(count < 2 * RACY_ROUNDS, "no update was lost in " .. RACY_ROUNDS .. " rounds")
	local same = 0
	for _, round in ipairs(rounds) do
		assert_eq(0, round[1][1])
		if round[1][2] == round[2][2] then same = same + 1 end
	end
	log(("%d of %d updates lost, %d rounds in which both saw one sum"):format(2 * RACY_ROUNDS - count, 2 * RACY_ROUNDS, same))
	assert(same > 0, "in no round did both see the same sum")
end)

test("and with the lock none", function()
	local count, rounds = count_after(echo.ADD, ROUNDS)
	assert_eq(2 * ROUNDS, count)
	for i, round in ipairs(rounds) do
		local one, other = unpack("u64", round[1][2]), unpack("u64", round[2][2])
		assert_eq(4 * i - 1, one + other, "round " .. i)	-- 2i-1 and 2i, in either order
	end
end)

test("the loser of an exclusive create is told so, in every round but by chance not the same one", function()
	local O_CREAT_EXCL = 0x40 | 0x80
	local won = { 0, 0 }
	for i = 1, 50 do
		local path = ("/tmp/race%d\0"):format(i)
		local round = provium.race({ a, "syscall_buf", "openat", 1, path, -100, 0, O_CREAT_EXCL, 0 },
			{ b, "syscall_buf", "openat", 1, path, -100, 0, O_CREAT_EXCL, 0 }, { rounds = 1 })[1]
		local winner = round[1][1] >= 0 and 1 or 2
		won[winner] = won[winner] + 1
		assert_errno("EEXIST", round[3 - winner][1])
		;({ a, b })[winner]:syscall("close", round[winner][1])
	end
	log(won)
end)

local SHORT = tonumber(os.getenv("RACES")) or 1000

test(("%d races of one round: no wake-up is lost between two of them"):format(SHORT), function()
	for _ = 1, SHORT do
		assert_eq({ { { a.pid }, { b.tid } } }, provium.race({ a, "syscall", "getpid" }, { b, "syscall", "gettid" }, { rounds = 1 }))
	end
end)

test("the VM itself is a side", function()
	local rounds = provium.race({ vm, "syscall", "getppid" }, { a, "syscall", "getppid" }, { rounds = 3 })
	assert_eq({ { { 1 }, { 1 } }, { { 1 }, { 1 } }, { { 1 }, { 1 } } }, rounds)
end)

test("on one processor, too", function()
	local small = provium.create("minimal"):boot()
	local c, d = small:spawn(), small:spawn()
	assert_eq(200, #provium.race({ c, "syscall", "getpid" }, { d, "syscall", "getpid" }, { rounds = 200 }))
	small:kill()
end)

test("more rounds than one reply can carry", function()
	-- 32 KiB in each: 120 rounds.
	local name = { "syscall_bufs", "uname", { [0] = ("\0"):rep(32 << 10) }, 0 }
	local rounds = provium.race({ a, table.unpack(name) }, { b, table.unpack(name) }, { rounds = 300 })
	assert_eq(300, #rounds)
	assert_eq("Linux\0", rounds[300][2][2]:sub(1, 6))
end)

test("workers are as they were: any processor, and ready for calls", function()
	for _, w in ipairs { a, b } do
		local n, mask = w:syscall_bufs("sched_getaffinity", { [2] = ("\0"):rep(8) }, 0, 8, 0)
		assert_eq(8, n)
		assert_eq(3, (unpack("u64", mask)))
	end
end)

test("one side dies: the other does not wait for it", function()
	local w = vm:spawn()
	local err = assert_error(function()
		provium.race({ a, "syscall", "getpid" }, { w, "syscall", "exit_group", 0 }, { rounds = 100 })
	end)
	assert_contains(err.message, "exited with status 0")
	assert_eq(a.pid, a:syscall("getpid"))
	w:kill()
end)

test("one side hangs: its deadline ends it, and the other goes on", function()
	local w = vm:spawn()
	w.timeout = 0.2
	local err = assert_error(function() provium.race({ w, "syscall", "pause" }, { a, "syscall", "getpid" }, { rounds = 3 }) end)
	assert_contains(err.message, "no result within ")
	assert_eq(a.pid, a:syscall("getpid"))
	w:kill()
end)

test("what cannot be raced is refused", function()
	assert_error(function() provium.race({ a, "syscall", "getpid" }, { a, "syscall", "getpid" }) end, "two workers of one VM")
	assert_error(function() provium.race({ a, "exec", "true" }, { b, "exec", "true" }) end,
		"race: exec%(%) cannot be; these can: ioctl, ioctl_buf, module_call, syscall")
	assert_error(function() provium.race({ a, "syscall", "getpid" }) end, "race: second side: expected {worker, method, …}")
	assert_error(function() provium.race({ "a", "syscall" }, {}) end, "race: first side")
	assert_error(function() provium.race({ a, "syscall", "nope" }, { b, "syscall", "getpid" }) end, "no system call")
	assert_error(function() provium.race({ a, "syscall", "getpid" }, { b, "syscall", "getpid" }, { rounds = 0 }) end,
		"rounds: expected an integer of 1 or more")
	local other = provium.create("minimal"):boot()
	assert_error(function() provium.race({ a, "syscall", "getpid" }, { other, "syscall", "getpid" }) end, "of one VM")
	other:kill()
	assert_eq(a.pid, a:syscall("getpid"))
end)
