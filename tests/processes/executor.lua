-- SPDX-License-Identifier: GPL-2.0-only
-- Harm that a test can do to the executor that makes its calls: the guest
-- survives it.

local C = provium.const
local pack = provium.pack

local vm = provium.create():boot()

local AGENT_FDS = 1000		-- the executor's own descriptors start here; see agent/shared/high_fd.h

-- Checks that the guest works with a new executor, whose first free descriptor
-- is 3.
local function assert_recovered(former)
	local pid = vm:syscall("getpid")
	assert(pid > 1 and pid ~= former, ("pid %d, before it was %d"):format(pid, former))
	assert_eq(1, vm:syscall("getppid"))
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 3))
	assert(vm:exec("true").ok)
end

-- Checks that fn ends the executor, and that the error says how.
local function assert_dies(how, fn)
	local pid = vm:syscall("getpid")
	assert_eq(3, vm:syscall("dup", 0))
	local err = assert_error(fn, ("the executor %%(pid %d%%) %s"):format(pid, how))
	assert_eq("op", err.kind)
	assert_contains(err.message, "its descriptors are gone; the next call gets a new executor")
	assert_recovered(pid)
	return err
end

test("a call of exit_group ends the executor, and the error has the exit status", function()
	local err = assert_dies("exited with status 3", function() vm:syscall("exit_group", 3) end)
	assert_contains(err.message, "syscall exit_group: ")
	assert_contains(err.message, " during ")
end)

test("a call of exit ends the executor if it has one thread", function()
	assert_dies("exited with status 0", function() vm:syscall("exit", 0) end)
end)

test("an executor that sends itself SIGKILL ends", function()
	assert_dies("was killed by signal 9 %(Killed%)", function()
		vm:syscall("kill", vm:syscall("getpid"), C.SIGKILL)
	end)
end)

test("a signal handler at address 8 ends the executor by SIGSEGV", function()
	-- struct sigaction: handler, flags (SA_RESTORER), restorer, mask.
	local action = pack("u64 u64 u64 u64", 8, C.SA_RESTORER, 8, 0)
	local ret = vm:syscall_bufs("rt_sigaction", { [1] = action }, C.SIGUSR1, 0, 0, 8)
	assert_eq(0, ret)
	assert_dies("was killed by signal 11 %(Segmentation fault%)", function()
		vm:syscall("kill", vm:syscall("getpid"), C.SIGUSR1)
	end)
end)

test("munmap of all the executor's memory ends the executor by SIGSEGV", function()
	assert_dies("was killed by signal 11 %(Segmentation fault%)", function()
		vm:syscall("munmap", 0x10000, 0x7fffffff0000 - 0x10000)
	end)
end)

test("an executor that calls execve ends with the program's exit status", function()
	assert_dies("exited with status 0", function()
		vm:syscall_ptr("execve", { [0] = "/bin/true\0", [1] = pack("x16") },
			{ { buf_idx = 1, ptr_offset = 0, data_len = 5, data = "true\0" } }, 0, 0, 0)
	end)
end)

test("an executor that stops itself with SIGSTOP is killed", function()
	assert_dies("was killed by signal 9", function() vm:syscall("kill", vm:syscall("getpid"), C.SIGSTOP) end)
end)

test("a command that kills the executor is killed, too", function()
	local pid = vm:syscall("getpid")
	local err = assert_error(function() vm:exec(("kill -9 %d; sleep 1000"):format(pid)) end, "was killed by signal 9")
	assert_contains(err.message, "during exec")
	assert_recovered(pid)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("an executor killed between two calls makes the next call raise an error", function()
	local pid = vm:syscall("getpid")
	vm:exec("rm -f /tmp/made")
	vm:exec(("(usleep 20000; kill -9 %d) >/dev/null 2>&1 &"):format(pid))
	-- Only a call that fails shows that the executor has died.
	local err = vm:wait_until(function()
		local ok, err = pcall(vm.syscall, vm, "getppid")
		return not ok and err
	end, { timeout = 5, interval = 0.01, desc = "the executor's death" })
	assert_contains(err.message, ("the executor (pid %d) was killed by signal 9"):format(pid))
	assert_recovered(pid)
end)

test("close_range of all descriptors ends the executor", function()
	local pid = vm:syscall("getpid")
	local ok, err = pcall(vm.syscall, vm, "close_range", 3, 0xffffffff, 0)
	assert(not ok, "close_range of everything gave a result")
	assert_contains(err.message, "its own descriptors")
	assert_recovered(pid)
end)

-- Calls fn with each of the executor's own descriptors. What fn does to a
-- descriptor may have no effect; later calls must work in any case.
local function for_each_agent_fd(fn)
	local before = vm.timeout
	vm.timeout = 0.5
	for fd = AGENT_FDS, AGENT_FDS + 20 do
		pcall(fn, fd)
		pcall(vm.syscall, vm, "getppid")
	end
	pcall(vm.syscall, vm, "exit_group", 0)
	vm.timeout = before
	assert_recovered(0)
end

test("the guest still works after a test closes any descriptor of the executor itself", function()
	for_each_agent_fd(function(fd) vm:syscall("close", fd) end)
end)

test("the guest still works after a dup2 onto any descriptor of the executor itself", function()
	for_each_agent_fd(function(fd) vm:syscall("dup2", 0, fd) end)
end)

test("the guest still works after O_NONBLOCK on any descriptor of the executor itself", function()
	for_each_agent_fd(function(fd) vm:syscall("fcntl", fd, C.F_SETFL, C.O_NONBLOCK) end)
end)

test("close of the executor's timer: a later call past its deadline still ends", function()
	local pause = require "provium.core".pause
	for _ = 1, 4 do
		local listing = vm:exec(("ls -l /proc/%d/fd"):format(vm:syscall("getpid"))).stdout
		local timer = tonumber(listing:match("(%d+) %-> anon_inode:%[timerfd%]"))
		if not timer then skip("this agent has no timer") end
		assert_eq(0, vm:syscall("close", timer))
		pause(0.2)		-- the executor sets the timer again only after it has expired
		pcall(vm.syscall, vm, "getppid")
		pcall(vm.syscall, vm, "exit_group", 0)
		for _ = 1, 5 do vm:syscall("getpid") end
		assert_error(function() vm:exec("sleep 1000", { timeout = 0.1 }) end, "the command was killed")
		assert_recovered(0)
	end
end)

test("strict seccomp mode ends the executor, and the guest works on", function()
	local pid = vm:syscall("getpid")
	pcall(vm.syscall, vm, "prctl", C.PR_SET_SECCOMP, C.SECCOMP_MODE_STRICT)
	wait_until(function()
		local ok, now = pcall(vm.syscall, vm, "getpid")
		return ok and now ~= pid
	end, { timeout = 5, interval = 0.01, desc = "a new executor" })
	assert_recovered(pid)
end)

test("a command raises EMFILE if the executor has no free descriptor", function()
	local pid = vm:syscall("getpid")
	assert_eq(0, vm:syscall_buf("setrlimit", 1, pack("u64 u64", 3, 3), C.RLIMIT_NOFILE, 0))
	assert_error(function() vm:exec("true") end, "EMFILE")
	assert_error(function() vm:read_file("/proc/version") end, "EMFILE")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	assert_recovered(pid)
end)

test("the executor that replaces one without privilege runs as root", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_eq("1000\n", vm:exec("id -u").stdout)
	assert_errno("EPERM", vm:syscall("setuid", 0))
	assert_error(function() vm:write_file("/proc/sys/kernel/hostname", "x") end, "EACCES")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	assert_eq(0, vm:syscall("getuid"))
end)

test("a call past its deadline ends the executor", function()
	local pid, before = vm:syscall("getpid"), vm.timeout
	vm.timeout = 0.2
	assert_error(function() vm:syscall("pause") end, "no result within .* its executor was killed")
	vm.timeout = before
	assert_recovered(pid)
end)

test("a guest whose executor ended a hundred times works on without zombies", function()
	local pid = vm:syscall("getpid")
	for _ = 1, 100 do
		assert_error(function() vm:syscall("exit_group", 1) end, "exited with status 1")
	end
	assert_recovered(pid)
	assert_eq("0\n", vm:exec("ps -o stat | grep -c ^Z").stdout)
end)

test("files in the guest are still there after its executor has ended", function()
	vm:write_file("/tmp/kept", "kept")
	assert_error(function() vm:syscall("exit_group", 1) end, "exited with status 1")
	assert_eq("kept", vm:read_file("/tmp/kept"))
end)
