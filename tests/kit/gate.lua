-- SPDX-License-Identifier: GPL-2.0-only
-- Many runners under one make: memory, slots, deaths.  Real VMs, small ones (clones, where it
-- takes many); watched from outside.

local runner = require "runner"
local core = require "provium.core"

provium.timeout = "15m"

local MAKE = runner.shell("command -v make")
local MANY = tonumber(os.getenv("GATE_FILES")) or 64
local SIZE = 128				-- MiB of each guest
local CHARGE = SIZE + 96			-- and what QEMU takes beside it

local SMALL = 'provium.create("minimal"):boot { memory = "128M" }\n'

local ONE_VM = [[
local vm = provium.fixture("small")
test("one", function() assert(vm:exec("true").ok) end)
]]

local TWO_VMS = [[
local first = provium.create("minimal"):boot { memory = "128M" }
test("both", function()
	local flag = os.getenv("FLAGS") .. "/" .. NAME
	io.open(flag, "w"):close()
	-- Until the other file has its first VM, too.
	wait_until(function() return io.open(os.getenv("FLAGS") .. "/" .. OTHER) end, { interval = 0.01, timeout = 60 })
	local second = provium.create("minimal"):boot { memory = "128M" }
	assert(second:exec("true").ok)
end)
]]

-- A makefile whose targets are runs of those tests, as mk/test.mk has them.
local MAKEFILE = [[
ALL := $(patsubst %%.lua,%%.ok,$(sort $(wildcard t*.lua)))
all: $(ALL)
%%.ok: %%.lua
	+@%s test --verdict $(@:.ok=) $< || %s make-return-tokens $(@:.ok=) $< $$?
compiled: all
]]

local function quoted_runner() return runner.quote(runner.path) end

-- The fixture that all of them clone, built once: its script is in a folder above theirs.
local above, removed <close> = runner.new_folder()
runner.shell("mkdir " .. runner.quote(above .. "/fixtures"))
runner.write(above .. "/fixtures/small.lua", SMALL)
do
	local r = runner.run({ "fixture", "build", "small" }, { cwd = above, env = { PROVIUM_STORE = above .. "/store" } })
	assert_eq(0, r.status, r.said)
end

-- In a new folder: files (name → text), then make with those arguments and that environment.
local function with_make(files, fn)
	local dir = runner.shell("mktemp -d " .. runner.quote(above .. "/XXXXXX"))
	runner.write(dir .. "/Makefile", MAKEFILE:format(quoted_runner(), quoted_runner()))
	for name, text in pairs(files) do runner.write(dir .. "/" .. name, text) end
	runner.shell("mkdir " .. runner.quote(dir .. "/gate"))
	fn(dir)
end

-- Another make's slots are none of this one's.
local function command(dir, args, env)
	return ("cd %s && exec env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS PROVIUM_GATE=%s PROVIUM_STORE=%s FLAGS=%s %s timeout -k 5 600 %s %s </dev/null 2>&1")
		:format(runner.quote(dir), runner.quote(dir .. "/gate"), runner.quote(above .. "/store"), runner.quote(dir), env or "", MAKE, args)
end

local function run_make(dir, args, env)
	local pipe = assert(io.popen(command(dir, args, env)))
	local said = pipe:read("a")
	local _, how, code = pipe:close()
	return said, how == "exit" and code or -code
end

-- Starts it; a function that says whether it is over, and one that waits: said, status.
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

-- QEMUs and runners that have this gate in their environment.
local function processes(dir, name)
	local list = {}
	for pid in runner.shell("grep -lsF 'PROVIUM_GATE=" .. dir .. "/gate' /proc/[0-9]*/environ 2>/dev/null"):gmatch("/proc/(%d+)/") do
		local comm = runner.read("/proc/" .. pid .. "/comm")
		if comm and comm:find(name, 1, true) == 1 and runner.is_alive(tonumber(pid)) then list[#list + 1] = tonumber(pid) end
	end
	return list
end

local function assert_nothing_left(dir)
	wait_until(function() return #processes(dir, "qemu") + #processes(dir, "provium") + #processes(dir, "forkserver") == 0 end,
		{ timeout = 10, interval = 0.05, desc = "the end of every process" })
	assert_eq("", runner.shell("ls " .. runner.quote(dir) .. " | grep slots"))
end

local function files(n, text)
	local list = {}
	for i = 1, n do list[("t%02d.lua"):format(i)] = text end
	return list
end

test("20 files at -j8 where two VMs fit: never more than two, and all finish", function()
	-- Long enough to be seen.
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
		assert(waiting >= 6, ("only %d were seen to wait"):format(waiting))
		assert_eq(20, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
		assert_nothing_left(dir)
	end)
end)

test(("%d files at -j64"):format(MANY), function()
	with_make(files(MANY, ONE_VM), function(dir)
		local said, status = run_make(dir, "-j64", ("PROVIUM_MEM=%dM"):format(3 * CHARGE))
		assert_eq(0, status, said)
		assert_eq(MANY, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
		assert_nothing_left(dir)
	end)
end)

test("who waits lends its slot: other jobs of the same make go on meanwhile", function()
	local holder = [[
		local vm = provium.create("minimal"):boot { memory = "128M" }
		test("holds", function()
			io.open(os.getenv("FLAGS") .. "/held", "w"):close()
			wait_until(function() return io.open(os.getenv("FLAGS") .. "/compiled") end, { interval = 0.01, timeout = 60 })
			assert(true)
		end)
	]]
	local waiter = [[
		wait_until(function() return io.open(os.getenv("FLAGS") .. "/held") end, { interval = 0.01, timeout = 60 })
	]] .. ONE_VM
	with_make({ ["t1.lua"] = holder, ["t2.lua"] = waiter }, function(dir)
		-- Two slots, both with runners; the third job has one only if the waiting one lends it.
		runner.write(dir .. "/Makefile", runner.read(dir .. "/Makefile"):gsub("all: %$%(ALL%)", "all: $(ALL) compiled") ..
			"\ntouch:\n")
		runner.write(dir .. "/Makefile", runner.read(dir .. "/Makefile"):gsub("compiled: all", "compiled:\n\t@touch compiled"))
		local said, status = run_make(dir, "-j2", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		assert(not said:find("INTERNAL"), said)
		assert_eq(2, select(2, said:gsub("%.lua %.%.%. ok", "")))
	end)
end)

test("two files hold one VM each and want another, where two fit: one is refused and told why, the other passes", function()
	with_make({
		["t1.lua"] = 'NAME, OTHER = "a", "b"\n' .. TWO_VMS, ["t2.lua"] = 'NAME, OTHER = "b", "a"\n' .. TWO_VMS,
	}, function(dir)
		local said, status = run_make(dir, "-j4", ("PROVIUM_MEM=%dM"):format(2 * CHARGE))
		assert_eq(0, status)
		assert_eq(1, select(2, said:gsub("%.lua %.%.%. ok", "")), said)
		assert_contains(said, "a deadlock")
		assert_contains(said, 'provium.claim{memory = "256M"}')
		assert_nothing_left(dir)
	end)
end)

test("a file's VM leaves no room for the builder of a fixture it asks for: told at once, not after the build's limit", function()
	with_make({ ["t1.lua"] = [[
		local vm = provium.create("minimal"):boot { memory = "128M" }
		test("both", function() provium.fixture("own") end)
	]] }, function(dir)
		runner.shell("mkdir " .. runner.quote(dir .. "/fixtures"))
		runner.write(dir .. "/fixtures/own.lua", SMALL)
		local start = core.now()
		local said = run_make(dir, "-j2", ("PROVIUM_STORE=%s/store PROVIUM_MEM=%dM"):format(dir, CHARGE + 100))
		assert_contains(said, "a deadlock. Have the fixture before the file's first VM")
		assert(core.now() - start < 200)
		assert_nothing_left(dir)
	end)
end)

test("... nor for somebody else's, who waits for room while others wait for what is built", function()
	with_make({ ["t1.lua"] = ([[
		local vm = provium.create("minimal"):boot { memory = "128M" }
		io.open(os.getenv("FLAGS") .. "/held", "w"):close()
		-- The other file's builder has begun, and waits.
		wait_until(function() return os.execute("%s gate | grep -q waits") end, { interval = 0.05, timeout = 60 })
		test("both", function() provium.fixture("own") end)
	]]):format(quoted_runner()), ["t2.lua"] = [[
		wait_until(function() return io.open(os.getenv("FLAGS") .. "/held") end, { interval = 0.01, timeout = 60 })
		test("one", function() provium.fixture("own") end)
	]] }, function(dir)
		runner.shell("mkdir " .. runner.quote(dir .. "/fixtures"))
		runner.write(dir .. "/fixtures/own.lua", SMALL)
		local start = core.now()
		local said = run_make(dir, "-j2", ("PROVIUM_MEM=%dM"):format(CHARGE + 100))
		assert_eq(2, select(2, said:gsub("a deadlock%. Have the fixture before the file's first VM", "")), said)
		assert(core.now() - start < 200)
		assert_nothing_left(dir)
	end)
end)

test("with provium.claim both pass", function()
	local claiming = 'provium.claim { memory = "256M" }\n' .. TWO_VMS:gsub("wait_until%b()", "")
	with_make({ ["t1.lua"] = 'NAME, OTHER = "a", "b"\n' .. claiming, ["t2.lua"] = 'NAME, OTHER = "b", "a"\n' .. claiming },
		function(dir)
			local said = run_make(dir, "-j4", ("PROVIUM_MEM=%dM"):format(2 * CHARGE + 64))
			assert_eq(2, select(2, said:gsub("%.lua %.%.%. ok", "")), said)
		end)
end)

test("a claim is what the file said: more is an error with both numbers", function()
	provium.create("minimal")	-- nothing is booted in this one
	with_make({ ["t1.lua"] = 'provium.claim { memory = "128M", cpus = 1 }\nprovium.create("minimal"):boot { memory = "256M" }\n' },
		function(dir)
			assert_contains((run_make(dir, "-j1")), "with this VM the file has 256 MiB; it claimed 128 MiB")
		end)
	assert_error(function() provium.claim { memory = "lots" } end, "claim: memory: expected a size")
	assert_error(function() provium.claim {} end, "claim: memory: expected a size")
	assert_error(function() provium.claim { memory = "1M", vms = 3 } end, "unknown option \"vms\"")
end)

test("more than there is fails at once, and names both numbers", function()
	with_make({ ["t1.lua"] = ONE_VM }, function(dir)
		local said = run_make(dir, "-j2", "PROVIUM_MEM=100M")
		assert_contains(said, ("%d MiB of memory are wanted"):format(CHARGE))
		assert_contains(said, "--mem allows 100 MiB")
	end)
end)

test("a VM further takes a slot of make's: files with two at -j2 take turns, and finish", function()
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

test("a file that needs a second slot has it soon, beside many that need one", function()
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
		log("finished as number " .. place)
		assert(place <= 6, said)
	end)
end)

test("runners are killed, interrupted, terminated at random moments, and time out: no slot is lost", function()
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

test("a killed runner is BROKEN in the results, and the others go on", function()
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

test("make -n runs nothing, -j without a number waits for nothing but memory", function()
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

test("make under make", function()
	with_make(files(4, ONE_VM), function(dir)
		runner.write(dir .. "/outer.mk", "all:\n\t+@$(MAKE) all\n")
		local said, status = run_make(dir, "-j3 -f outer.mk", ("PROVIUM_MEM=%dM"):format(CHARGE))
		assert_eq(0, status, said)
		assert_eq(4, select(2, said:gsub("%.lua %.%.%. ok", "")))
		assert(not said:find("INTERNAL"), said)
	end)
end)
