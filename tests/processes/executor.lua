-- SPDX-License-Identifier: GPL-2.0-only
-- What a test can do to the process that makes its calls, and what comes of it.

local linux = require "linux"
local pack = provium.pack

local vm = provium.create("minimal"):boot()

local AGENT_FDS = 1000		-- from here on descriptors are the executor's own; see agent/agent.h

-- What every death must leave: a guest that lives, a new executor, descriptors from 3 on.
local function assert_recovered(former)
	local pid = vm:syscall("getpid")
	assert(pid > 1 and pid ~= former, ("pid %d, before it was %d"):format(pid, former))
	assert_eq(1, vm:syscall("getppid"))
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 3))
	assert(vm:exec("true").ok)
end

-- fn ends the executor; the error says how.
local function assert_dies(how, fn)
	local pid = vm:syscall("getpid")
	assert_eq(3, vm:syscall("dup", 0))
	local err = assert_error(fn, ("the executor %%(pid %d%%) %s"):format(pid, how))
	assert_eq("op", err.kind)
	assert_contains(err.message, "its descriptors are gone; the next call gets a new executor")
	assert_recovered(pid)
	return err
end

test("exit_group(3): the error says so, and the guest lives on", function()
	local err = assert_dies("exited with status 3", function() vm:syscall("exit_group", 3) end)
	assert_contains(err.message, "syscall exit_group: ")
	assert_contains(err.message, " during ")
end)

test("exit(0) of the only thread", function()
	assert_dies("exited with status 0", function() vm:syscall("exit", 0) end)
end)

test("a signal to itself", function()
	assert_dies("was killed by signal 9 %(Killed%)", function()
		vm:syscall("kill", vm:syscall("getpid"), linux.SIGKILL)
	end)
end)

test("a jump to a null pointer, by way of a signal handler", function()
	-- struct sigaction: handler, flags, restorer, mask.
	local ret = vm:syscall_bufs("rt_sigaction", { [1] = pack("u64 u64 u64 u64", 8, 0x4000000, 8, 0) }, linux.SIGUSR1, 0, 0, 8)
	assert_eq(0, ret)
	assert_dies("was killed by signal 11 %(Segmentation fault%)", function()
		vm:syscall("kill", vm:syscall("getpid"), linux.SIGUSR1)
	end)
end)

test("all of its memory is unmapped under it", function()
	assert_dies("was killed by signal 11 %(Segmentation fault%)", function()
		vm:syscall("munmap", 0x10000, 0x7fffffff0000 - 0x10000)
	end)
end)

test("it becomes another program", function()
	assert_dies("exited with status 0", function()
		vm:syscall_ptr("execve", { [0] = "/bin/true\0", [1] = pack("x16") },
			{ { buf_idx = 1, ptr_offset = 0, data_len = 5, data = "true\0" } }, 0, 0, 0)
	end)
end)

test("it stops itself", function()
	local SIGSTOP = 19
	assert_dies("was killed by signal 9", function() vm:syscall("kill", vm:syscall("getpid"), SIGSTOP) end)
end)

test("a command kills it", function()
	local pid = vm:syscall("getpid")
	local err = assert_error(function() vm:exec(("kill -9 %d; sleep 1000"):format(pid)) end, "was killed by signal 9")
	assert_contains(err.message, "during exec")
	assert_recovered(pid)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("it is killed between two calls: the next one says so, and is not made", function()
	local pid = vm:syscall("getpid")
	vm:exec("rm -f /tmp/made")
	vm:exec(("(usleep 20000; kill -9 %d) >/dev/null 2>&1 &"):format(pid))
	-- The executor's death is seen in no other way: its own calls would be the ones to fail.
	local err = vm:wait_until(function()
		local ok, err = pcall(vm.syscall, vm, "getppid")
		return not ok and err
	end, { timeout = 5, interval = 0.01, desc = "the executor's death" })
	assert_contains(err.message, ("the executor (pid %d) was killed by signal 9"):format(pid))
	assert_recovered(pid)
end)

test("all descriptors are closed under it", function()
	local pid = vm:syscall("getpid")
	local ok, err = pcall(vm.syscall, vm, "close_range", 3, 0xffffffff, 0)
	assert(not ok, "close_range of everything gave a result")
	assert_contains(err.message, "its own descriptors")
	assert_recovered(pid)
end)

-- What is done to one of its descriptors may go unnoticed, but then calls work.
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

test("each one of its own descriptors is closed under it", function()
	for_each_agent_fd(function(fd) vm:syscall("close", fd) end)
end)

test("each one of its own descriptors is replaced under it", function()
	for_each_agent_fd(function(fd) vm:syscall("dup2", 0, fd) end)
end)

test("each one of its own descriptors is made not to block", function()
	local F_SETFL = 4
	for_each_agent_fd(function(fd) vm:syscall("fcntl", fd, F_SETFL, linux.O_NONBLOCK) end)
end)

test("the timer that brings in the supervisor is closed: a later call that lasts still ends", function()
	local pause = require "provium.core".pause
	for _ = 1, 4 do
		local listing = vm:exec(("ls -l /proc/%d/fd"):format(vm:syscall("getpid"))).stdout
		local timer = tonumber(listing:match("(%d+) %-> anon_inode:%[timerfd%]"))
		if not timer then skip("this agent has no timer") end
		assert_eq(0, vm:syscall("close", timer))
		pause(0.2)		-- until the timer is not running: only then is it set again
		pcall(vm.syscall, vm, "getppid")
		pcall(vm.syscall, vm, "exit_group", 0)
		for _ = 1, 5 do vm:syscall("getpid") end
		assert_error(function() vm:exec("sleep 1000", { timeout = 0.1 }) end, "the command was killed")
		assert_recovered(0)
	end
end)

test("seccomp strict: what it may not do kills it, and the guest lives on", function()
	local PR_SET_SECCOMP, STRICT = 22, 1
	local pid = vm:syscall("getpid")
	pcall(vm.syscall, vm, "prctl", PR_SET_SECCOMP, STRICT)
	wait_until(function()
		local ok, now = pcall(vm.syscall, vm, "getpid")
		return ok and now ~= pid
	end, { timeout = 5, interval = 0.01, desc = "a new executor" })
	assert_recovered(pid)
end)

test("no descriptor is left to it: commands fail with the errno, and then work again", function()
	local RLIMIT_NOFILE = 7
	local pid = vm:syscall("getpid")
	assert_eq(0, vm:syscall_buf("setrlimit", 1, pack("u64 u64", 3, 3), RLIMIT_NOFILE, 0))
	assert_error(function() vm:exec("true") end, "EMFILE")
	assert_error(function() vm:read_file("/proc/version") end, "EMFILE")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	assert_recovered(pid)
end)

test("credentials that it gives up are back in the next one", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_eq("1000\n", vm:exec("id -u").stdout)
	assert_errno("EPERM", vm:syscall("setuid", 0))
	assert_error(function() vm:write_file("/proc/sys/kernel/hostname", "x") end, "EACCES")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited with status 0")
	assert_eq(0, vm:syscall("getuid"))
end)

test("a call past its deadline costs it too, and says where it was", function()
	local pid, before = vm:syscall("getpid"), vm.timeout
	vm.timeout = 0.2
	assert_error(function() vm:syscall("pause") end, "no result within .* its executor was killed")
	vm.timeout = before
	assert_recovered(pid)
end)

test("it dies a hundred times, and the guest is as it was", function()
	local pid = vm:syscall("getpid")
	for _ = 1, 100 do
		assert_error(function() vm:syscall("exit_group", 1) end, "exited with status 1")
	end
	assert_recovered(pid)
	assert_eq("0\n", vm:exec("ps -o stat | grep -c ^Z").stdout)
end)

test("what was in the guest is still there", function()
	vm:write_file("/tmp/kept", "kept")
	assert_error(function() vm:syscall("exit_group", 1) end, "exited with status 1")
	assert_eq("kept", vm:read_file("/tmp/kept"))
end)
