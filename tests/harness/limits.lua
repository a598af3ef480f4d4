-- SPDX-License-Identifier: GPL-2.0-only
-- Time limits of tests and files, and durations as texts.

local core = require "provium.core"
local runner = require "runner"

test("a test's time limit ends endless loops, even in pcall and in coroutines", function()
	local r = runner.run { "test", "endless.lua" }
	assert_eq([[
endless.lua ... FAIL (3 of 4 failed, Ts)
  · a loop ... FAIL: the test's time limit was reached
      at endless.lua:4
  · a loop that catches its errors ... FAIL: the test's time limit was reached
      at endless.lua:6
  · a loop in a coroutine ... FAIL: the test's time limit was reached
      at endless.lua:9
  · the next one runs ... ok
FAIL: 1 passed, 3 failed
]], r.said)
	assert_eq(1, r.status)
end)

test("a file's time limit ends the file", function()
	local r = runner.run { "test", "endless_file.lua" }
	assert_eq([[
endless_file.lua ... FAIL (2 of 3 failed, Ts)
  · before ... ok
  · a loop ... FAIL: the file's time limit of 0.2 s was reached
      at endless_file.lua:6
  · (the file) ... FAIL: the file's time limit of 0.2 s was reached; the tests after it did not run
FAIL: 1 passed, 2 failed
]], r.said)
	assert_eq(1, r.status)
end)

test("a file whose cleanup does not end fails after 10 s", function()
	local finish = {}
	for i, name in ipairs { "endless_gc", "endless_popen" } do
		finish[i] = select(2, runner.start({ "test", name .. ".lua" }, { prefix = { runner.timeout, "60" } }))
	end
	for i, name in ipairs { "endless_gc", "endless_popen" } do
		local status, said = finish[i]()
		assert_eq({ 1, ([[
%s.lua ... FAIL (1 of 2 failed, Ts)
  · passes ... ok
  · (the file) ... FAIL: the file's cleanup did not end within 10 s (a __gc or __close metamethod, or io.popen() of a program that still runs)
FAIL: 1 passed, 1 failed
]]):format(name) }, { status, said })
	end
end)

-- Waits until both programs of leaves_programs.lua have written their numbers.
local function await_programs(list)
	local function nr_started() return select(2, (runner.read(list) or ""):gsub("\n", "")) end
	wait_until(function() return nr_started() == 2 end, { desc = "two programs" })
end

test("programs of a test end with its file if a signal or a time limit stops the file", function()
	local function check(how, limit, stop, expected)
		runner.with_folder(function(dir)
			local list = dir .. "/pids"
			local pid, finish = runner.start({ "test", "leaves_programs.lua" },
				{ env = { PIDS = list, LIMIT = limit }, prefix = { runner.timeout, "60" } })
			await_programs(list)
			stop(pid)
			assert_eq(expected, (finish()), how)
			for program in runner.read(list):gmatch("%d+") do runner.assert_gone(tonumber(program), how) end
		end)
	end
	check("a signal", "100s", function(pid) os.execute("kill -INT " .. pid) end, 130)
	check("a time limit", "1s", function() end, 1)
end)

test("programs of a test end with its file if the file ends by itself when a signal comes", function()
	runner.with_folder(function(dir)
		local list = dir .. "/pids"
		local function nr_left() return runner.count_marked("PIDS=" .. list) end
		local pid, finish = runner.start({ "test", "leaves_programs.lua" },
			{ env = { PIDS = list, LIMIT = "100s" } })
		await_programs(list)
		os.execute(("kill -STOP %d; kill -INT %d"):format(pid, pid))
		-- The shell's program is left. The shell and the file's process end.
		os.execute("kill " .. runner.read(list):gsub("\n", " "))
		wait_until(function() return nr_left() == 2 end, { desc = "the end of the file's process" })
		os.execute("kill -CONT " .. pid)
		assert_eq(130, (finish()))
		wait_until(function() return nr_left() == 0 end, { desc = "the end of all programs" })
	end)
end)

test("a test that gathers data without end fails at the limit of memory", function()
	local r = runner.run({ "test", "memory.lua" }, { env = { PROVIUM_LUA_MIB = 16 } })
	assert_eq([[
memory.lua ... FAIL (6 of 7 failed, Ts)
  · gathers strings ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:5
  · gathers in a coroutine ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:5
  · doubles a string ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:12
  · catches the error and asserts ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:14
  · memory that nothing holds is free again ... ok
  · keeps what it has gathered ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:19
  · (the file) ... FAIL: the file uses more than 16 MiB of memory (PROVIUM_LUA_MIB sets another limit)
      at memory.lua:21
FAIL: 1 passed, 6 failed
]], r.said)
	assert_eq(1, r.status)
end)

test("a log that is too long keeps its first and last lines and a note of the cut", function()
	local nr = tonumber(os.getenv("LOG_LINES") or 20000)
	local said = runner.run({ "test", "--format", "tap", "long_log.lua" }, { env = { LINES = nr } }).said
	local lines = {}
	for i = 1, 100 do lines[#lines + 1] = "    # log: line " .. i end
	lines[#lines + 1] = ("    # log: … (%d texts left out)"):format(nr - 500)
	for i = nr - 399, nr do lines[#lines + 1] = "    # log: line " .. i end
	assert_contains(said, "long_log.lua:6\n" .. table.concat(lines, "\n") .. "\n    not ok 1 logs many lines\n")
	assert_contains(said, ("    # log: %s… (100000000 bytes; the rest is left out)\n"):format(("\u{f1}"):rep(2048)))
	assert_contains(said, ("    # log: 32 %s\n    # log: … (203 texts left out)\n    # log: 236 x"):format(("x"):rep(1000)))
end)

test("output that is too long keeps its last 64 KiB and a note of the cut", function()
	local said = runner.run({ "test", "--format", "tap", "long_log.lua" }, { env = { LINES = 1 } }).said
	local all = {}
	for i = 1, 20000 do all[i] = ("printed line %d\n"):format(i) end
	local text = table.concat(all)
	assert_contains(said, ("… (%d bytes before these are left out)\n"):format(#text - (64 << 10)))
	assert_contains(said, "printed line 20000\n")
	assert(not said:find("printed line 10000\n", 1, true))
end)

test("a file's duration excludes the time waited at the gate, which is reported apart", function()
	local said = runner.run({ "test", "waits.lua" }, { raw = true }).said
	assert_contains(said, "waits.lua ... ok (1 test, 0.0s, waited 0.3s)\n")
end)

test("SIGTERM ends a test file that is in a C function; more signals do not delay that", function()
	local pid, finish = runner.start { "test", "deaf.lua" }
	local _ <close> = setmetatable({}, { __close = function()
		if runner.is_alive(pid) then os.execute("kill -KILL " .. pid) end
	end })
	local child
	wait_until(function()
		child = tonumber(runner.shell(("cat /proc/%d/task/%d/children"):format(pid, pid)):match("%d+"))
		return child
	end, { interval = 0.01, desc = "the process of the file" })
	core.pause(0.2)
	for _ = 1, 3 do
		os.execute("kill -TERM " .. pid)
		core.pause(0.1)
	end
	wait_until(function()
		return not runner.is_alive(pid)
	end, { timeout = 30, interval = 0.05, desc = "the runner's end" })
	assert_eq(false, runner.is_alive(child))
	finish()
end)

test("an enormous duration means no limit; a negative one and NaN are refused", function()
	local r = runner.run { "test", "durations.lua" }
	assert_eq([[
durations.lua ... FAIL (1 of 8 failed, Ts)
  · a limit of inf ... ok
  · a limit of 1e+300 ... ok
  · a limit of 9223372036854775807 ... ok
  · a limit of 999999999999h ... ok
  · refuses -1 ... ok
  · refuses -inf ... ok
  · refuses nan ... ok
  · (the file) ... FAIL: test "ends the file": timeout: expected seconds or a duration like "500ms", "5s", "10m", got -1
      at durations.lua:17
FAIL: 7 passed, 1 failed
]], r.said)
	assert_eq(1, r.status)
end)

test("provium.timeout takes seconds and texts with a unit", function()
	local before = provium.timeout
	for text, seconds in pairs { ["500ms"] = 0.5, ["5s"] = 5, ["10m"] = 600, ["2h"] = 7200, ["1.5s"] = 1.5 } do
		provium.timeout = text
		assert_eq(seconds, provium.timeout, text)
	end
	provium.timeout = 90
	assert_eq(90, provium.timeout)
	provium.timeout = before
end)

test("provium.timeout refuses a text without a number and a unit", function()
	for _, text in ipairs { "5", "5x", "s", "", "-1s", "1 s" } do
		assert_error(function() provium.timeout = text end, "expected seconds or a duration like \"500ms\"")
	end
end)
