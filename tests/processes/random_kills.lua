-- SPDX-License-Identifier: GPL-2.0-only
-- Processes killed in random states at random moments: the guest continues to
-- work.

local C = provium.const

provium.timeout = "10m"

local vm = provium.create():boot { cpus = 2 }

local KILLS = tonumber(os.getenv("KILLS")) or 500
local SEED = tonumber(os.getenv("SEED")) or 20261121

math.randomseed(SEED)
local function one_of(list) return list[math.random(#list)] end

-- The states in which a worker is killed, by name: a function brings the worker
-- into the state.
local STATES = {
	idle = function() end,
	read = function(w) return w:async("syscall", "pause") end,
	exec = function(w) return w:async("exec", "sleep 1000") end,
	output = function(w) return w:async("exec", "yes | head -c 3000000") end,
	big = function(w) return w:async("write_file", "/tmp/big", ("b"):rep(2000000)) end,
	batch = function(w) return w:async("read_file", "/proc/kallsyms") end,
	short = function(w) return w:async("syscall", "getpid") end,
}
local NAMES = {}
for name in pairs(STATES) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)

local reaper = vm:spawn()	-- kills the others from inside the guest

local function pause_a_little() require "provium.core".pause(math.random() * 0.004) end

local function kill_pid(pid) reaper:syscall("kill", pid, C.SIGKILL) end

-- Waits for a call that the kill may have ended.
local function finish(call)
	if not call then return end
	local ok, err = pcall(call.wait, call)
	assert(ok or type(err) == "table" and err.kind == "op", ok or tostring(err))
end

local function kill_worker(thread)
	local w = vm:spawn { thread = thread }
	local call = STATES[one_of(NAMES)](w)
	pause_a_little()
	if thread or math.random(2) == 1 then
		w:kill()
		finish(call)
	else
		kill_pid(w.pid)
		finish(call)
		w:kill()
	end
end

local function kill_executor()
	local pid
	repeat	-- the previous death may not have been reported yet
		local ok, got = pcall(vm.syscall, vm, "getpid")
		pid = ok and got
	until pid
	local t = math.random(2) == 1 and vm:spawn { thread = true }
	local call = STATES[one_of(NAMES)](vm)
	pause_a_little()
	kill_pid(pid)
	finish(call)
	if t then
		vm:wait_until(function()
			return not pcall(t.syscall, t, "gettid")
		end, { interval = 0.002, desc = "the thread's end" })
		t:kill()
	end
	vm:wait_until(function()
		local ok, now = pcall(vm.syscall, vm, "getpid")
		return ok and now ~= pid
	end, { interval = 0.002, desc = "a new executor" })
end

local function kill_job()
	local job = vm:background(one_of { "sleep 1000", "yes", "sleep 1000 & sleep 1000", "true" })
	pause_a_little()
	if math.random(2) == 1 then kill_pid(job.pid) else vm:job_kill(job) end
	vm:job_kill(job)
end

local function kill_racer()
	local a, b = vm:spawn(), vm:spawn()
	local killer = reaper:async("exec", ("usleep %d; kill -9 %d"):format(math.random(3000), b.pid))
	pcall(provium.race, { a, "syscall", "getpid" }, { b, "syscall", "getpid" }, { rounds = 3000 })
	finish(killer)
	assert_eq(a.pid, a:syscall("getpid"))
	a:kill()
	b:kill()
end

local KILLERS = {
	process = function() kill_worker(false) end, thread = function() kill_worker(true) end,
	executor = kill_executor, job = kill_job, racer = kill_racer,
}
local ORDER = { "executor", "job", "process", "racer", "thread" }

test(("%d random kills of workers, threads, executors, jobs and racers"):format(KILLS), { timeout = "8m" }, function()
	for i = 1, KILLS do
		local kind = one_of(ORDER)
		local ok, err = pcall(KILLERS[kind])
		assert(ok, ("kill %d (%s; seed %d): %s"):format(i, kind, SEED, tostring(err)))
	end
end)

test("random kills leave no process, no zombie and no descriptor", function()
	reaper:kill()
	local names = vm:exec("ps -o comm,stat,args | grep -v '\\['").stdout.value
	log(names)
	assert_eq("", vm:exec("ps -o stat,pid,ppid,comm | grep ^Z").stdout)
	assert_eq("", vm:exec("ps -o comm | grep -e sleep -e yes -e keeper").stdout)
	assert_eq(1, select(2, vm:exec("ps -o args | grep '^/.provium/agent'").stdout.value:gsub("\n", "")) - 1)
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 3))
end)

test("workers, jobs, batches, races and files work after random kills", function()
	local w, t = vm:spawn { uid = 1000 }, vm:spawn { thread = true }
	assert_eq(1000, w:syscall("getuid"))
	assert_eq(t.tid, t:syscall("gettid"))
	assert_eq("x\n", vm:job_wait(vm:background("echo x"), 10).stdout)
	assert_eq(100, #vm:batch(function(b) for _ = 1, 100 do b:syscall("getpid") end end))
	assert_eq(100, #provium.race({ w, "syscall", "getpid" }, { t, "syscall", "getpid" }, { rounds = 100 }))
	vm:write_file("/tmp/x", ("x"):rep(3000000))
	assert_eq(3000000, #vm:read_file("/tmp/x"))
end)
