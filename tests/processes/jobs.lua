-- SPDX-License-Identifier: GPL-2.0-only
-- Jobs: shell commands in the background.

local C = provium.const

local vm = provium.create():boot()

local MIB = 1 << 20

local function state_of(pid)
	local ok, status = pcall(vm.read_file, vm, ("/proc/%d/status"):format(pid))
	return ok and status:match("State:%s+(%a)") or nil
end

local function assert_gone(pid)
	vm:wait_until(function()
		local s = state_of(pid)
		return not s or s == "Z"
	end, { interval = 0.01, desc = "the end of process " .. pid })
end

test("a job runs while the test goes on, and job_wait returns its output so far", function()
	local job = vm:background("echo one; read line </tmp/no-such-fifo; sleep 1000")
	assert(math.type(job.id) == "integer")
	assert_eq("S", vm:wait_until(function() return state_of(job.pid) == "S" and "S" end, { interval = 0.01 }))
	local r = vm:wait_until(function()
		local r = vm:job_wait(job)
		return r.stdout ~= "" and r
	end, { interval = 0.01, desc = "the job's first line" })
	assert_eq("one\n", r.stdout)
	assert_eq(true, r.running)
	assert_eq(-1, r.exit_code)
	vm:job_kill(job)
end)

test("job_wait with a timeout returns at the job's end or at the timeout", function()
	local job = vm:background("sleep 0.2; echo out; echo err >&2; exit 3")
	local r = vm:job_wait(job, 10)
	assert_eq({ running = false, exit_code = 3, stdout = "out\n", stderr = "err\n" }, r)
	assert_eq(r, vm:job_wait(job))
	assert_eq(r, vm:job_kill(job))
	job = vm:background("sleep 1000")
	assert_eq(true, vm:job_wait(job, "50ms").running)
	vm:job_kill(job)
end)

test("job_kill ends the job's whole process group", function()
	local job = vm:background("sleep 1000 & echo $!; sleep 1000")
	local child = tonumber(vm:wait_until(function()
		return vm:job_wait(job).stdout:match("%d+")
	end, { interval = 0.01 }))
	assert(state_of(child):find("[RS]"))
	local r = vm:job_kill(job)
	assert_eq({ running = false, exit_code = 137, signal = 9, stdout = child .. "\n", stderr = "" }, r)
	assert_gone(child)
	assert_gone(job.pid)
end)

test("job_kill ends a job that ignores SIGTERM", function()
	local job = vm:background("trap '' TERM HUP INT; echo ready; while :; do sleep 1000; done")
	vm:wait_until(function() return vm:job_wait(job).stdout ~= "" end, { interval = 0.01 })
	vm:syscall("kill", job.pid, C.SIGTERM)
	assert_eq(true, vm:job_wait(job, "50ms").running)
	assert_eq(9, vm:job_kill(job).signal)
	assert_gone(job.pid)
end)

test("output of a job's background process is read after the job's end", function()
	local job = vm:background("(sh -c 'echo $PPID'; sleep 0.1; echo late; sleep 1000) & exit 4")
	local r = vm:job_wait(job, 10)
	assert_eq(false, r.running)
	assert_eq(4, r.exit_code)
	r = vm:wait_until(function()
		local now = vm:job_wait(job)
		return now.stdout:find("late") and now
	end, { interval = 0.01, desc = "output after the shell's end" })
	local child = tonumber(r.stdout:match("^%d+"))
	assert_eq(4, vm:job_kill(job).exit_code)
	assert_gone(child)
end)

test("a job that prints 100 MiB: the last 16 MiB are kept, and the rest is counted", function()
	local job = vm:background("yes xxxxxxxxxxxxxxx | head -c 104857600; echo end")
	local r = vm:job_wait(job, 60)
	assert_eq(0, r.exit_code)
	assert_eq(16 * MIB, #r.stdout)
	assert_eq(100 * MIB + 4 - 16 * MIB, r.stdout_dropped)
	assert_eq("x\nend\n", r.stdout:sub(-6))
	assert_eq(nil, r.stderr_dropped)
	assert(not r.stdout:sub(1, -5):find("[^x\n]"), "the kept bytes are not the last ones")
end)

test("a job that prints exactly 16 MiB: all of the output is kept", function()
	local r = vm:job_wait(vm:background("head -c 16777216 /dev/zero >&2"), 60)
	assert_eq(16 * MIB, #r.stderr)
	assert_eq(nil, r.stderr_dropped)
end)

test("job_wait of a job that prints returns its bytes in order", function()
	local job = vm:background("i=0; while [ $i -lt 100 ]; do head -c 200000 /dev/zero | tr '\\0' $((i % 10)); i=$((i+1)); done")
	repeat
		local r = vm:job_wait(job)
		local last
		for run in r.stdout:gmatch("(%d)%1*") do
			assert(not last or tonumber(run) == (last + 1) % 10, "digits out of order")
			last = tonumber(run)
		end
	until not r.running
	assert_eq(20000000 - 16 * MIB, vm:job_wait(job).stdout_dropped)
end)

test("a job's output can have any bytes", function()
	local r = vm:job_wait(vm:background([[printf '\0\1\377\n\0']]), 10)
	assert_eq("\0\1\255\n\0", r.stdout)
end)

test("background takes cwd and env, and a missing folder raises ENOENT", function()
	vm:exec("mkdir -p /tmp/here")
	local r = vm:job_wait(vm:background("pwd; echo $A", { cwd = "/tmp/here", env = { A = "b c" } }), 10)
	assert_eq("/tmp/here\nb c\n", r.stdout)
	assert_error(function() vm:background("true", { cwd = "/nope" }) end, "ENOENT")
end)

test("job_wait of a job killed by a signal returns the signal", function()
	local r = vm:job_wait(vm:background("kill -11 $$"), 10)
	assert_eq({ running = false, exit_code = 139, signal = 11, stdout = "", stderr = "" }, r)
end)

test("a job outlives the executor that started it, and another executor can wait for it", function()
	for _ = 1, 5 do
		local w = vm:spawn()
		local job = w:background("echo started; sleep 0.2; echo done")
		w:kill()
		assert_eq("started\ndone\n", vm:job_wait(job, 10).stdout)
	end
	local job = vm:background("sleep 1000")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	assert_eq(true, vm:job_wait(job).running)
	assert_eq(9, vm:job_kill(job).signal)
end)

test("a job has its worker's credentials, and another user cannot kill it", function()
	local w, other = vm:spawn { uid = 1000 }, vm:spawn { uid = 1001 }
	local job = w:background("id -u; sleep 1000")
	vm:wait_until(function() return vm:job_wait(job).stdout == "1000\n" end, { interval = 0.01 })
	local err = assert_error(function() other:job_kill(job) end, "EPERM")
	assert_eq("EPERM", err.errno)
	assert_eq(9, w:job_kill(job).signal)
	w:kill()
	other:kill()
end)

test("a job ends when its keeper, the reader of its output, is killed; job_wait returns", function()
	local job = vm:background("sleep 1000")
	local keeper = tonumber(vm:read_file(("/proc/%d/stat"):format(job.pid)):match("%) %a (%d+)"))
	assert_eq("job keeper\n", vm:read_file(("/proc/%d/comm"):format(keeper)))
	assert_eq(0, vm:syscall("kill", keeper, C.SIGKILL))
	local r = vm:job_wait(job, 10)
	assert_eq(9, r.signal)
	assert_gone(job.pid)
end)

test("50 jobs run at once, and each has its own output", function()
	local jobs = {}
	for i = 1, 50 do jobs[i] = vm:background("echo " .. i) end
	for i, job in ipairs(jobs) do assert_eq(i .. "\n", vm:job_wait(job, 10).stdout) end
	assert_eq("0\n", vm:exec("ps -o stat | grep -c ^Z").stdout)
end)

test("a 65th running job is refused with EAGAIN", function()
	local jobs = {}
	local err = assert_error(function()
		for i = 1, 100 do jobs[i] = vm:background("sleep 1000") end
	end, "64 jobs are running, which is the most")
	assert_eq("EAGAIN", err.errno)
	for _, job in ipairs(jobs) do vm:job_kill(job) end
	assert_eq("x\n", vm:job_wait(vm:background("echo x"), 10).stdout)
end)

test("job_wait, job_kill and background refuse wrong arguments and jobs long ended", function()
	local first = vm:background("true")
	for _ = 1, 130 do vm:job_wait(vm:background("true"), 10) end
	assert_error(function() vm:job_wait(first) end, "no such job; the last 64")
	assert_error(function() vm:job_wait(5) end, "job_wait: expected a job, as background%(%) returns it, got number")
	assert_error(function() vm:job_kill {} end, "job_kill: expected a job")
	assert_error(function() vm:background() end, "background: command: expected a string")
	assert_error(function() vm:background("true", { stdin = "x" }) end, "unknown option \"stdin\"")
end)
