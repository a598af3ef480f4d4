-- SPDX-License-Identifier: GPL-2.0-only
-- Calls in flight: one worker waits in the kernel while calls on other workers
-- are made.

local core = require "provium.core"
local with_workers = require "with_workers"
local C = provium.const
local unpack, pack = provium.unpack, provium.pack

local vm = provium.create():boot { cpus = 2 }

local function with(kinds, fn) with_workers(vm, kinds, fn) end

-- Waits until the worker's task sleeps in the given system call (as
-- /proc/PID/syscall shows).
local function await_in(worker, call)
	local nr = tostring(provium.nr[call])
	vm:wait_until(function() return vm:read_file(("/proc/%d/syscall"):format(worker.tid)):match("^%d+") == nr end,
		{ interval = 0.005, desc = ("%s in %s"):format(tostring(worker), call) })
end

local function pipe(target)
	local ret, fds = target:syscall_bufs("pipe2", { [0] = ("\0"):rep(8) }, 0, 0)
	assert_eq(0, ret)
	return unpack("u32 u32", fds)
end

test("a worker that waits in read gets the bytes that the VM's executor writes", function()
	with({ { thread = true } }, function(w)
		local r, out = pipe(vm)
		local call = w:async("syscall_bufs", "read", { [1] = ("\0"):rep(5) }, r, 0, 5)
		await_in(w, "read")
		assert(not call:done())
		assert_eq(5, vm:syscall_buf("write", 1, "hello", out, 0, 5))
		local ret, data = call:wait()
		assert_eq(5, ret)
		assert_eq("hello", data)
		assert(call:done())
		vm:syscall("close", r)
		vm:syscall("close", out)
	end)
end)

test("a worker that waits on a futex is woken by another worker", function()
	with({ { thread = true }, { thread = true } }, function(a, b)
		local at = vm:syscall("mmap", 0, 4096, C.PROT_READ | C.PROT_WRITE,
			C.MAP_PRIVATE | C.MAP_ANONYMOUS, -1, 0)
		local call = a:async("syscall", "futex", at, C.FUTEX_WAIT, 0, 0, 0, 0)
		await_in(a, "futex")
		assert_eq(1, b:syscall("futex", at, C.FUTEX_WAKE, 1, 0, 0, 0))
		assert_eq(0, call:wait())
		assert_eq(0, b:syscall("futex", at, C.FUTEX_WAKE, 1, 0, 0, 0))
		vm:syscall("munmap", at, 4096)
	end)
end)

test("a worker that waits in accept gets the connection of another worker", function()
	with({ { thread = true }, {} }, function(server, client)
		local addr = pack("u16 s20", C.AF_UNIX, "\0flight")
		local fd = server:syscall("socket", C.AF_UNIX, C.SOCK_STREAM, 0)
		assert_eq(0, server:syscall_buf("bind", 1, addr, fd, 0, #addr))
		assert_eq(0, server:syscall("listen", fd, 1))
		local call = server:async("syscall", "accept", fd, 0, 0)
		await_in(server, "accept")
		local c = client:syscall("socket", C.AF_UNIX, C.SOCK_STREAM, 0)
		assert_eq(0, client:syscall_buf("connect", 1, addr, c, 0, #addr))
		assert(call:wait() > fd)
	end)
end)

test("a call of the VM's executor can be in flight beside a worker's", function()
	with({ {} }, function(w)
		local call = vm:async("syscall", "pause")
		assert_eq(w.pid, w:syscall("getpid"))
		assert_error(function() call:wait("100ms") end, "syscall pause: no result within .* its executor was killed")
		assert(vm:syscall("getpid") > 1)
	end)
end)

test("two calls that sleep 200 ms on two workers overlap", function()
	with({ {}, {} }, function(a, b)
		local ts = pack("u64 u64", 0, 200000000)
		local function sleep(w) return w:async("syscall_buf", "nanosleep", 0, ts, 0, 0) end
		-- No time is measured: both calls are seen in the kernel at
		-- once.
		local one, two = sleep(a), sleep(b)
		await_in(a, "nanosleep")
		await_in(b, "nanosleep")
		assert_eq(0, one:wait())
		assert_eq(0, two:wait())
	end)
end)

test("every method that waits for the guest can be called with async()", function()
	with({ {} }, function(w)
		local function both(method, ...)
			local call = w:async(method, ...)
			assert(vm:syscall("getpid") > 1)
			return call:wait()
		end
		assert_eq("x\n", both("exec", "sleep 0.05; echo x").stdout)
		assert_eq({ 1 }, both("json", "echo '[1]'"))
		assert_eq(nil, both("write_file", "/tmp/flight", ("y"):rep(3 << 20)))	-- 3 MiB are several requests
		assert_eq(("y"):rep(3 << 20), both("read_file", "/tmp/flight"))
		assert_eq(69, both("syscall", "getpid") and 69)
		both("insmod", "echo")
		both("rmmod", "echo")
		assert_eq("j\n", both("job_wait", w:background("sleep 0.05; echo j"), 5).stdout)
	end)
end)

test("50 workers wait at once, and each gets its own result", function()
	local calls = {}
	for i = 1, 50 do
		local w = vm:spawn()
		calls[i] = { w, w:async("exec", ("sleep 0.%02d; echo %d"):format(50 - i, i)) }
	end
	for i, c in ipairs(calls) do
		assert_eq(i .. "\n", c[2]:wait().stdout)
		c[1]:kill()
	end
end)

test("a second wait() for a call returns the same result or error again", function()
	with({ {} }, function(w)
		local call = w:async("exec", "echo once")
		assert_eq("once\n", call:wait().stdout)
		assert_eq("once\n", call:wait().stdout)
		assert(call:done())
		call = w:async("read_file", "/nope")
		for _ = 1, 2 do assert_eq("ENOENT", assert_error(function() call:wait() end).errno) end
	end)
end)

test("the error for a second call on a worker with a call in flight names the first", function()
	with({ {} }, function(w)
		local call = w:async("exec", "sleep 0.1; echo slow")
		local err = assert_error(function() w:syscall("getpid") end)
		assert_contains(tostring(err), "exec \"sleep 0.1; echo slow\" on " .. tostring(w) .. " is still in flight; wait() for it")
		assert_error(function() w:async("syscall", "getpid") end, "is still in flight")
		assert_eq("slow\n", call:wait().stdout)
		assert_eq(w.pid, w:syscall("getpid"))
	end)
end)

test("a worker whose call has ended can make the next call, and the result is kept", function()
	with({ {} }, function(w)
		local call = w:async("exec", "echo kept")
		vm:wait_until(function() return call:done() end, { interval = 0.005 })
		assert_eq(w.pid, w:syscall("getpid"))
		assert_eq("kept\n", call:wait().stdout)
	end)
end)

test("async with wrong arguments raises an error, and no call is in flight", function()
	with({ {} }, function(w)
		assert_error(function() w:async("syscall", "no_such_call") end, "there is no system call")
		assert_error(function() w:async("exec") end, "exec: command: expected a string")
		for _, method in ipairs { "spawn", "wait_until", "async", "batch", "shutdown", "nonsense", 5 } do
			assert_error(function() w:async(method) end, "async: cannot call .*; it can call: background, exec, insmod")
		end
		assert_eq(w.pid, w:syscall("getpid"))
	end)
end)

test("a call past its deadline kills its worker only; the error has the kernel stack", function()
	with({ {}, { thread = true }, {} }, function(w, t, other)
		for _, worker in ipairs { w, t } do
			local still = other:async("syscall", "pause")
			local call = worker:async("syscall", "pause")
			await_in(worker, "pause")
			local err = assert_error(function() call:wait("100ms") end)
			assert_eq("timeout", err.kind)
			assert_contains(err.message, ("syscall pause on %s: no result within "):format(tostring(worker)))
			assert_contains(err.message, "the worker was killed; it was at")
			assert_contains(err.message, "state: S")
			assert_contains(err.message, "pause+")		-- the kernel stack of pause: sys_pause
			assert_error(function() worker:syscall("getpid") end, "spawn another")
			assert(not still:done())
			vm:syscall("kill", other.pid, C.SIGKILL)
			assert_error(function() still:wait() end, "killed by signal 9")
			other:kill()
			other = vm:spawn()
			assert_eq(other.pid, other:syscall("getpid"))
		end
		other:kill()
	end)
end)

test("vm.timeout is the deadline of calls of workers that set no timeout", function()
	local before = vm.timeout
	assert_eq(60, before)
	with({ {} }, function(w)
		vm.timeout = 0.1
		local err = assert_error(function() w:syscall("pause") end)
		vm.timeout = before
		assert_contains(err.message, "no result within ")
	end)
	with({ {} }, function(w)
		w.timeout = 0.1
		assert_eq(60, vm.timeout)
		assert_error(function() w:syscall("pause") end, "no result within ")
	end)
end)

test("a panic ends every call in flight at once", { expect_panic = true }, function()
	local other = provium.create():boot()
	local calls = {}
	for i = 1, 5 do calls[i] = other:spawn():async("syscall", "pause") end
	pcall(other.exec, other, "echo c >/proc/sysrq-trigger")
	for _, call in ipairs(calls) do assert_eq("guest", assert_error(function() call:wait() end).kind) end
	assert(calls[1]:done())
end)

test("wait() for a call raises an error at once if the test has ended the VM", function()
	for _, ending in ipairs { "kill", "shutdown" } do
		local other = provium.create():boot()
		local of_worker = other:spawn():async("exec", "sleep 1000")
		local of_vm = other:async("syscall", "pause")
		other[ending](other)
		local start = core.now()
		local err = assert_error(function() of_vm:wait() end)
		assert_eq({ "user", "syscall pause: the VM (" .. provium.profile .. ") is shut down" }, { err.kind, err.message })
		assert_eq('exec "sleep 1000" on worker 1: the VM (' .. provium.profile .. ') is shut down',
			assert_error(function() of_worker:wait() end).message)
		assert(of_vm:done())
		local waited_s = core.now() - start
		assert(waited_s < 5, waited_s)
	end
end)

test("a worker stuck in the kernel: the error lists blocked tasks, the VM works on", function()
	local echo = require "echo_device"
	local other = provium.create():boot()
	other:insmod("echo")
	local w = other:spawn()
	for _, target in ipairs { w, other } do
		local fd, tid = echo.open(target), target:syscall("gettid")
		local call = target:async("ioctl", fd, echo.SLEEP, pack("u64", echo.SLEEP_MAX))
		local observer = target == w and other or w
		other:wait_until(function()
			return observer:read_file(("/proc/%d/syscall"):format(tid)):match("^16 ")
		end, { interval = 0.005 })
		local err = assert_error(function() call:wait("100ms") end)
		assert_contains(err.message, "state: D")
		assert_contains(err.message, "schedule_timeout")
		assert_contains(err.message, "sysrq: Show Blocked State")
		if target == w then
			assert_error(function() w:syscall("getpid") end, "was killed, but is stuck in the kernel")
			w:kill()
			w = other:spawn()
		end
	end
	assert(other:exec("true").ok)
	other:kill()
end)
