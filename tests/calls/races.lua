-- SPDX-License-Identifier: GPL-2.0-only
-- provium.race(): two workers make their calls at the same moment, over and
-- over.

local C = provium.const
local echo = require "echo_device"
local pack, unpack = provium.pack, provium.unpack

local vm = provium.create():boot { cpus = 2 }
vm:insmod("echo")

local ROUNDS = 1000
local a, b = vm:spawn(), vm:spawn { thread = true }

local RACY_ROUNDS = 200		-- fewer rounds, because in each of them ADD_RACY sleeps

-- Returns the counter's value after both sides added 1 in every round, and the
-- number of rounds.
local function count_after(cmd, nr)
	local fa, fb = echo.open(a), echo.open(b)
	assert_eq(0, (vm:ioctl(echo.open(vm), echo.COUNT_SET, pack("u64", 0))))
	local rounds = provium.race({ a, "ioctl", fa, cmd, pack("u64", 1) }, { b, "ioctl", fb, cmd, pack("u64", 1) },
		{ rounds = nr })
	local _, count = a:ioctl(fa, echo.COUNT)
	return (unpack("u64", count)), rounds
end

test("race returns both results of every round", function()
	local rounds = provium.race({ a, "syscall", "getpid" }, { b, "syscall", "gettid" }, { rounds = ROUNDS })
	assert_eq(ROUNDS, #rounds)
	for _, round in ipairs(rounds) do assert_eq({ { a.pid }, { b.tid } }, round) end
end)

test("a race on a counter without a lock loses updates", function()
	local count, rounds = count_after(echo.ADD_RACY, RACY_ROUNDS)
	assert(count < 2 * RACY_ROUNDS, "no update was lost in " .. RACY_ROUNDS .. " rounds")
	local same = 0
	for _, round in ipairs(rounds) do
		assert_eq(0, round[1][1])
		if round[1][2] == round[2][2] then same = same + 1 end
	end
	log(("%d of %d updates lost; in %d rounds both saw one sum"):format(2 * RACY_ROUNDS - count, 2 * RACY_ROUNDS, same))
	assert(same > 0, "in no round both saw the same sum")
end)

test("a race on a counter with a lock loses no update", function()
	local count, rounds = count_after(echo.ADD, ROUNDS)
	assert_eq(2 * ROUNDS, count)
	for i, round in ipairs(rounds) do
		local one, other = unpack("u64", round[1][2]), unpack("u64", round[2][2])
		assert_eq(4 * i - 1, one + other, "round " .. i)	-- 2i-1 and 2i, in any order
	end
end)

test("in a race of two exclusive creates exactly one succeeds", function()
	local flags = C.O_CREAT | C.O_EXCL
	local won = { 0, 0 }
	for i = 1, 50 do
		local path = ("/tmp/race%d\0"):format(i)
		local round = provium.race({ a, "syscall_buf", "openat", 1, path, C.AT_FDCWD, 0, flags, 0 },
			{ b, "syscall_buf", "openat", 1, path, C.AT_FDCWD, 0, flags, 0 }, { rounds = 1 })[1]
		local winner = round[1][1] >= 0 and 1 or 2
		won[winner] = won[winner] + 1
		assert_errno("EEXIST", round[3 - winner][1])
		;({ a, b })[winner]:syscall("close", round[winner][1])
	end
	log(won)
end)

local SINGLE_RACES = tonumber(os.getenv("RACES")) or 1000

test(("%d races of one round lose no wake-up"):format(SINGLE_RACES), function()
	for _ = 1, SINGLE_RACES do
		local results = provium.race({ a, "syscall", "getpid" }, { b, "syscall", "gettid" }, { rounds = 1 })
		assert_eq({ { { a.pid }, { b.tid } } }, results)
	end
end)

test("the VM's executor can be a side of a race", function()
	local rounds = provium.race({ vm, "syscall", "getppid" }, { a, "syscall", "getppid" }, { rounds = 3 })
	assert_eq({ { { 1 }, { 1 } }, { { 1 }, { 1 } }, { { 1 }, { 1 } } }, rounds)
end)

test("a race works in a VM with one processor", function()
	local small = provium.create():boot()
	local c, d = small:spawn(), small:spawn()
	assert_eq(200, #provium.race({ c, "syscall", "getpid" }, { d, "syscall", "getpid" }, { rounds = 200 }))
	small:kill()
end)

test("a race with more results than one reply can carry returns every round", function()
	-- Each round returns 32 KiB for each side, and one reply holds 120
	-- rounds.
	local name = { "syscall_bufs", "uname", { [0] = ("\0"):rep(32 << 10) }, 0 }
	local rounds = provium.race({ a, table.unpack(name) }, { b, table.unpack(name) }, { rounds = 300 })
	assert_eq(300, #rounds)
	assert_eq("Linux\0", rounds[300][2][2]:sub(1, 6))
end)

test("workers can run on any processor after a race", function()
	provium.race({ a, "syscall", "getpid" }, { b, "syscall", "gettid" }, { rounds = 1 })
	for _, w in ipairs { a, b } do
		local n, mask = w:syscall_bufs("sched_getaffinity", { [2] = ("\0"):rep(8) }, 0, 8, 0)
		assert_eq(8, n)
		assert_eq(3, (unpack("u64", mask)))
	end
end)

test("a race in which one side exits raises an error, and the other side works on", function()
	local w = vm:spawn()
	local err = assert_error(function()
		provium.race({ a, "syscall", "getpid" }, { w, "syscall", "exit_group", 0 }, { rounds = 100 })
	end)
	assert_contains(err.message, "exited with status 0")
	assert_eq(a.pid, a:syscall("getpid"))
	w:kill()
end)

test("a race in which one side hangs ends at its deadline; the other side works on", function()
	local w = vm:spawn()
	w.timeout = 0.2
	local err = assert_error(function()
		provium.race({ w, "syscall", "pause" }, { a, "syscall", "getpid" }, { rounds = 3 })
	end)
	assert_contains(err.message, "no result within ")
	assert_eq(a.pid, a:syscall("getpid"))
	w:kill()
end)

test("race refuses sides that are not two calls of workers of one VM", function()
	assert_error(function() provium.race({ a, "syscall", "getpid" }, { a, "syscall", "getpid" }) end, "two workers of one VM")
	assert_error(function() provium.race({ a, "exec", "true" }, { b, "exec", "true" }) end,
		"race: cannot call exec%(%); it can call: ioctl, ioctl_buf, module_call, syscall")
	assert_error(function() provium.race({ a, "syscall", "getpid" }) end, "race: second side: expected {worker, method, …}")
	assert_error(function() provium.race({ "a", "syscall" }, {}) end, "race: first side")
	assert_error(function()
		provium.race({ a, "syscall", "nope" }, { b, "syscall", "getpid" })
	end, "no system call")
	assert_error(function()
		provium.race({ a, "syscall", "getpid" }, { b, "syscall", "getpid" }, { rounds = 0 })
	end, "rounds: expected an integer of 1 or more")
	local other = provium.create():boot()
	assert_error(function()
		provium.race({ a, "syscall", "getpid" }, { other, "syscall", "getpid" })
	end, "of one VM")
	other:kill()
	assert_eq(a.pid, a:syscall("getpid"))
end)
