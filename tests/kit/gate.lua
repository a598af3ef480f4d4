-- SPDX-License-Identifier: GPL-2.0-only
-- Many runners under one make: memory reservations, job tokens, deaths. The
-- tests start make with runners of small VMs (clones, where there are many) and
-- watch them from outside.

local runner = require "runner"
local core = require "provium.core"

provium.timeout = "15m"

local MAKE = runner.shell("command -v make")
local MANY = tonumber(os.getenv("GATE_FILES")) or 64
local SIZE = 128				-- MiB of memory of each guest
local CHARGE = SIZE + 96			-- MiB reserved for each guest, including QEMU's overhead

local SMALL = 'provium.create():boot { memory = "128M" }\n'

local ONE_VM = [[
local vm = provium.fixture("small")
test("one", function() assert(vm:exec("true").ok) end)
]]

local TWO_VMS = [[
local first = provium.create():boot { memory = "128M" }
test("both", function()
	local flag = os.getenv("FLAGS") .. "/" .. NAME
	io.open(flag, "w"):close()
	-- Both files have one VM each before either of them starts another.
	wait_until(function() return io.open(os.getenv("FLAGS") .. "/" .. OTHER) end, { interval = 0.01, timeout = 60 })
	local second = provium.create():boot { memory = "128M" }
	assert(second:exec("true").ok)
end)
]]

-- The makefile of a test's folder, which runs the folder's test files as
-- mk/test.mk does.
local MAKEFILE = [[
ALL := $(patsubst %%.lua,%%.ok,$(sort $(wildcard t*.lua)))
all: $(ALL)
%%.ok: %%.lua
	+@%s make-test $(@:.ok=) $<
compiled: all
]]

local function quoted_runner() return runner.quote(runner.path) end

-- The fixture that all tests of this file clone is built once: its script is in
-- a folder above those of the tests.
local above, _ <close> = runner.new_folder()
runner.shell("mkdir " .. runner.quote(above .. "/fixtures"))
runner.write(above .. "/fixtures/small.lua", SMALL)
do
	local env = { PROVIUM_STORE = above .. "/store" }
	local r = runner.run({ "fixture", "build", "small" }, { cwd = above, env = env })
	assert_eq(0, r.status, r.said)
end

-- Calls fn with a new folder that has these files (name → text), the Makefile
-- and its own gate.
local function with_make(files, fn)
	local dir = runner.shell("mktemp -d " .. runner.quote(above .. "/XXXXXX"))
	runner.write(dir .. "/Makefile", MAKEFILE:format(quoted_runner()))
	for name, text in pairs(files) do runner.write(dir .. "/" .. name, text) end
	runner.shell("mkdir " .. runner.quote(dir .. "/gate"))
	fn(dir)
end

-- Returns the shell command for make in a folder of with_make(), without the
-- job server of a make that runs this test.
local function command(dir, args, env)
	return ("cd %s && exec env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS PROVIUM_GATE=%s PROVIUM_STORE=%s FLAGS=%s %s timeout -k 5 600 %s %s </dev/null 2>&1")
		:format(runner.quote(dir), runner.quote(dir .. "/gate"), runner.quote(above .. "/store"),
			runner.quote(dir), env or "", MAKE, args)
end

local function run_make(dir, args, env)
	local pipe = assert(io.popen(command(dir, args, env)))
	local said = pipe:read("a")
	local _, how, code = pipe:close()
	return said, how == "exit" and code or -code
end

-- Starts make. Returns its pid, a function that tells whether it has ended, and
-- one that waits and returns output and status.
local function start_make(dir, args, env)
	local out = dir .. "/make.out"
	local pipe = assert(io.popen(("( %s ) >%s & echo $!; exec >&-; wait $!; echo $? >%s.status")
		:format(command(dir, args, env), runner.quote(out), runner.quote(out))))
	local pid = tonumber(pipe:read("l"))
	return pid, function() return runner.read(out .. ".status") ~= nil end, function()
		pipe:close()
		return runner.read(out), tonumber(runner.read(out .. ".status"))
	end
end

-- Returns the pids of processes with this name that have the folder's gate in
-- their environment.
local function processes(dir, name)
	local list = {}
	for pid in runner.shell("grep -lsF 'PROVIUM_GATE=" .. dir .. "/gate' /proc/[0-9]*/environ 2>/dev/null"):gmatch("/proc/(%d+)/") do
		local comm = runner.read("/proc/" .. pid .. "/comm")
		if comm and comm:find(name, 1, true) == 1 and runner.is_alive(tonumber(pid)) then
			list[#list + 1] = tonumber(pid)
		end
	end
	return list
end

local function assert_nothing_left(dir)
	wait_until(function()
		return #processes(dir, "qemu") + #processes(dir, "provium") + #processes(dir, "forkserver") == 0
	end, { timeout = 10, interval = 0.05, desc = "the end of every process" })
	assert_eq("", runner.shell("ls " .. runner.quote(dir) .. " | grep tokens"))
end

local function files(n, text)
	local list = {}
	for i = 1, n do list[("t%02d.lua"):format(i)] = text end
	return list
end

test("20 files at -j8 with memory for two VMs all pass, with at most two VMs at once", function()
	-- The VMs run long enough to be seen by the loop below.
	with_make(files(20, (ONE_VM:gsub('"true"', '"sleep 0.3"'))), function(dir)
		local _, over, wait = start_make(dir, "-j8", ("PROVIUM_MEM=%dM"):format(2 * CHARGE))
		local most, waiting = 0, 0
		while not over() do
			most = math.max(most, #processes(dir, "qemu"))
			waiting = math.max(waiting, select(2, runner.shell(("PROVIUM_GATE=%s/gate %s gate")
				:format(dir, quoted_runner())):gsub("waits ", "")))
			core.pause(0.05)
		end
		local said, status = wait()
		assert_eq(0, status, said)
		assert_eq(2, most)
		assert(waiting >= 6, ("only %d runners were seen to wait"):format(waiting))
		assert_eq(20, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
		assert_nothing_left(dir)
	end)
end)

test(("%d files at -j64 with memory for three VMs all pass"):format(MANY), function()
	with_make(files(MANY, ONE_VM), function(dir)
		local said, status = run_make(dir, "-j64", ("PROVIUM_MEM=%dM"):format(3 * CHARGE))
		assert_eq(0, status, said)
		assert_eq(MANY, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
		assert_nothing_left(dir)
	end)
end)

test("a file's timeline has its wait for memory, its clone and the memory it reserved", function()
	with_make(files(3, (ONE_VM:gsub('"true"', '"sleep 0.3"'))), function(dir)
		local said, status = run_make(dir, "-j3", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		local waited = 0
		for i = 1, 3 do
			local record = core.json(runner.read(("%s/t%02d.result"):format(dir, i)))
			local line, kinds = record.timeline, {}
			for _, span in ipairs(line.spans) do
				kinds[span[1]] = true
				assert(0 <= span[2] and span[2] <= span[3] and span[3] <= line.ms, "a span is within the file's time")
			end
			waited = waited + (kinds.memory and 1 or 0)
			assert_eq({ true, CHARGE }, { kinds.resume, line.budget })
			assert_eq({ CHARGE, 1 }, { line.reserved[1][2], line.reserved[1][3] })
			assert_eq({ 0, 0 }, { line.reserved[#line.reserved][2], line.reserved[#line.reserved][3] })
		end
		assert(waited >= 1, "no file has waited for memory")
	end)
end)

test("a runner that waits for memory lends its job token to other jobs of make", function()
	local holder = [[
		local vm = provium.create():boot { memory = "128M" }
		test("holds", function()
			io.open(os.getenv("FLAGS") .. "/held", "w"):close()
			wait_until(function()
				return io.open(os.getenv("FLAGS") .. "/compiled")
			end, { interval = 0.01, timeout = 60 })
			assert(true)
		end)
	]]
	local waiter = [[
		wait_until(function()
			return io.open(os.getenv("FLAGS") .. "/held")
		end, { interval = 0.01, timeout = 60 })
	]] .. ONE_VM
	with_make({ ["t1.lua"] = holder, ["t2.lua"] = waiter }, function(dir)
		-- Two job tokens, both taken by runners: the third job gets one
		-- only if the waiting runner lends it.
		runner.write(dir .. "/Makefile", runner.read(dir .. "/Makefile"):gsub("all: %$%(ALL%)", "all: $(ALL) compiled") ..
			"\ntouch:\n")
		runner.write(dir .. "/Makefile", runner.read(dir .. "/Makefile"):gsub("compiled: all", "compiled:\n\t@touch compiled"))
		local said, status = run_make(dir, "-j2", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		assert(not said:find("INTERNAL"), said)
		assert_eq(2, select(2, said:gsub("%.lua %.%.%. ok", "")))
	end)
end)

test("two files that hold a VM each and need another: one fails, naming the deadlock", function()
	with_make({
		["t1.lua"] = 'NAME, OTHER = "a", "b"\n' .. TWO_VMS, ["t2.lua"] = 'NAME, OTHER = "b", "a"\n' .. TWO_VMS,
	}, function(dir)
		local said, status = run_make(dir, "-j4", ("PROVIUM_MEM=%dM"):format(2 * CHARGE))
		assert_eq(0, status)
		assert_eq(1, select(2, said:gsub("%.lua %.%.%. ok", "")), said)
		assert_contains(said, "deadlock: this file holds 224 MiB for its VMs and needs 224 MiB more, but")
		assert_contains(said, 'provium.claim{memory = "256M"}')
		assert_nothing_left(dir)
	end)
end)

test("a fixture that needs the memory of the file's own VM fails with the deadlock", function()
	with_make({ ["t1.lua"] = [[
		local vm = provium.create():boot { memory = "128M" }
		test("both", function() provium.fixture("own") end)
	]] }, function(dir)
		runner.shell("mkdir " .. runner.quote(dir .. "/fixtures"))
		runner.write(dir .. "/fixtures/own.lua", SMALL)
		local start = core.now()
		local said = run_make(dir, "-j2", ("PROVIUM_STORE=%s/store PROVIUM_MEM=%dM"):format(dir, CHARGE + 100))
		assert_contains(said, "Use the fixture before the file boots its first VM, or build it beforehand: make fixture-NAME")
		assert(core.now() - start < 200)
		assert_nothing_left(dir)
	end)
end)

test("two runners that need a fixture without memory to build it report the deadlock", function()
	with_make({ ["t1.lua"] = ([[
		local vm = provium.create():boot { memory = "128M" }
		io.open(os.getenv("FLAGS") .. "/held", "w"):close()
		-- Waits until the process that builds the fixture for the other
		-- runner waits for memory.
		wait_until(function() return os.execute("%s gate | grep -q waits") end, { interval = 0.05, timeout = 60 })
		test("both", function() provium.fixture("own") end)
	]]):format(quoted_runner()), ["t2.lua"] = [[
		wait_until(function()
			return io.open(os.getenv("FLAGS") .. "/held")
		end, { interval = 0.01, timeout = 60 })
		test("one", function() provium.fixture("own") end)
	]] }, function(dir)
		runner.shell("mkdir " .. runner.quote(dir .. "/fixtures"))
		runner.write(dir .. "/fixtures/own.lua", SMALL)
		local start = core.now()
		local said = run_make(dir, "-j2", ("PROVIUM_MEM=%dM"):format(CHARGE + 100))
		assert_eq(2, select(2, said:gsub("deadlock: this VM needs 224 MiB, but", "")), said)
		assert(core.now() - start < 200)
		assert_nothing_left(dir)
	end)
end)

test("two files that each claim two VMs pass with room for two VMs", function()
	local claiming = 'provium.claim { memory = "256M" }\n' .. TWO_VMS:gsub("wait_until%b()", "")
	with_make({ ["t1.lua"] = 'NAME, OTHER = "a", "b"\n' .. claiming, ["t2.lua"] = 'NAME, OTHER = "b", "a"\n' .. claiming },
		function(dir)
			local said = run_make(dir, "-j4", ("PROVIUM_MEM=%dM"):format(2 * CHARGE + 64))
			assert_eq(2, select(2, said:gsub("%.lua %.%.%. ok", "")), said)
		end)
end)

test("the error for a VM beyond the file's claim has both sizes", function()
	with_make({ ["t1.lua"] = 'provium.claim { memory = "128M", cpus = 1 }\nprovium.create():boot { memory = "256M" }\n' },
		function(dir)
			assert_contains((run_make(dir, "-j1")), "with this VM the file needs 256 MiB of guest memory, but it claimed only 128 MiB")
		end)
	assert_error(function() provium.claim { memory = "lots" } end, "claim: memory: expected a size")
	assert_error(function() provium.claim {} end, "claim: memory: expected a size")
	assert_error(function() provium.claim { memory = "1M", vms = 3 } end, "unknown option \"vms\"")
end)

test("the error for a VM larger than PROVIUM_MEM has both sizes", function()
	with_make({ ["t1.lua"] = ONE_VM }, function(dir)
		local said = run_make(dir, "-j2", "PROVIUM_MEM=100M")
		assert_contains(said, ("needs %d MiB of memory in all"):format(CHARGE))
		assert_contains(said, "but --mem allows only 100 MiB")
	end)
end)

test("four files with two VMs each at -j2 wait for each other's job tokens and pass", function()
	local two = ONE_VM .. [[
		local other = provium.fixture("small")
		test("two", function() assert(other:exec("true").ok) end)
	]]
	with_make(files(4, two), function(dir)
		local said, status = run_make(dir, "-j2")
		assert_eq(0, status, said)
		assert_eq(4, select(2, said:gsub("%.lua %.%.%. ok %(2 tests", "")), said)
		assert(not said:find("INTERNAL"), said)
		assert_nothing_left(dir)
	end)
end)

test("a file that needs two job tokens is not starved by files that need one", function()
	local two = [[
		local vm = provium.fixture("small")
		local other = provium.fixture("small")
		test("both", function() assert(other:exec("true").ok) end)
	]]
	local list = files(16, ONE_VM)
	list["t00.lua"] = two
	with_make(list, function(dir)
		local said, status = run_make(dir, "-j2")
		assert_eq(0, status, said)
		assert(not said:find("INTERNAL"), said)
		local place = 0
		for name in said:gmatch("(t%d+)%.lua %.%.%. ok") do
			place = place + 1
			if name == "t00" then break end
		end
		log("finished in place " .. place)
		assert(place <= 6, said)
	end)
end)

test("runners killed, interrupted and timed out at random moments lose no job token", function()
	math.randomseed(7)
	local two = ONE_VM .. [[
		local other = provium.fixture("small")
		test("two", function() assert(other:exec("true").ok) end)
	]]
	local hits, rounds = 0, tonumber(os.getenv("GATE_ROUNDS") or 8)
	for round = 1, rounds do
		local list = files(5, two)
		list["t06.lua"] = "provium.timeout = 0.3\n" .. ONE_VM .. 'test("too long", function() vm:exec("sleep 1000") end)\n'
		with_make(list, function(dir)
			local make, over, wait = start_make(dir, "-k -j3", ("PROVIUM_MEM=%dM"):format(3 * CHARGE))
			for _ = 1, math.random(3) do
				core.pause(math.random() * 0.8)
				local list = processes(dir, "provium")
				if #list > 0 and not over() then
					hits = hits + 1
					os.execute(("kill -%s %d 2>/dev/null"):format(({ "KILL", "TERM", "INT" })[math.random(3)], list[math.random(#list)]))
				end
			end
			local said = wait()
			assert(not said:find("INTERNAL"), ("round %d: %s"):format(round, said))
			assert_nothing_left(dir)
			assert(make)
		end)
	end
	log(("%d signals in %d rounds"):format(hits, rounds))
	assert(hits > rounds / 2)
end)

test("a killed runner is BROKEN in the results, and other files run on", function()
	local long = ONE_VM .. 'test("long", function() vm:exec("sleep 1000") end)\n'
	with_make({ ["t1.lua"] = long, ["t2.lua"] = ONE_VM }, function(dir)
		local _, _, wait = start_make(dir, "-j2")
		wait_until(function() return runner.read(dir .. "/t2.ok") end, { interval = 0.02, timeout = 60 })
		local list = processes(dir, "provium")
		table.sort(list)
		os.execute("kill -KILL " .. list[1])
		local said, status = wait()
		assert_eq(0, status, said)
		assert_contains(said, "t1.lua ... BROKEN: the runner was killed by signal 9 (Killed)")
		assert_contains(runner.read(dir .. "/t1.result"), "BROKEN")
		assert_nothing_left(dir)
	end)
end)

test("make -n runs no test, and -j without a number waits only for memory", function()
	with_make(files(3, ONE_VM), function(dir)
		local said, status = run_make(dir, "-n")
		assert_eq(0, status)
		assert(not said:find(" ... ok", 1, true), said)
		assert_eq(nil, runner.read(dir .. "/t01.ok"))
		said, status = run_make(dir, "-j", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		assert_eq(3, select(2, said:gsub("%.lua %.%.%. ok", "")))
	end)
end)

test("runners of a make that was started by make use the first make's job tokens", function()
	with_make(files(4, ONE_VM), function(dir)
		runner.write(dir .. "/outer.mk", "all:\n\t+@$(MAKE) all\n")
		local said, status = run_make(dir, "-j3 -f outer.mk", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		assert_eq(4, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
	end)
end)
