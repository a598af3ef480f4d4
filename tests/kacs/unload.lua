-- SPDX-License-Identifier: GPL-2.0-only
-- Unloading kacs under load: rmmod is refused while the module is in use, and
-- never crashes.

local kacs = require "kacs"

provium.timeout = "10m"

local vm, test = kacs.boot { cpus = 2, append = "rcupdate.rcu_expedited=1" }

local ROUNDS = tonumber(os.getenv("KACS_ROUNDS")) or 1000

local function is_loaded() return vm:exec("test -d /sys/module/kacs").ok end

test("rmmod fails with EAGAIN while a call sleeps in the module, and works after it", function()
	local token = kacs.create(vm, 1)
	local w = vm:spawn()
	kacs.close(vm, token)
	local call = w.kacs:async("wait_token", token, 300)
	vm:wait_until(function()
		return vm:read_file(("/proc/%d/syscall"):format(w.pid)):find("^1006 ")
	end, { interval = 0.005 })
	assert_error(function() vm:rmmod("kacs") end, "rmmod kacs: EAGAIN")
	assert_eq(true, is_loaded())
	assert_errno("ETIMEDOUT", call:wait())
	w:kill()
	vm:wait_until(function() return pcall(vm.rmmod, vm, "kacs") end, { interval = 0.01, desc = "rmmod" })
	assert_eq(false, is_loaded())
	vm:insmod("kacs")
end)

test("rmmod fails with EAGAIN while a call sleeps whose descriptor was closed", function()
	local token = kacs.create(vm, 1)
	local w = vm:spawn { thread = true }
	local call = w.kacs:async("wait_token", token, 300)
	vm:wait_until(function()
		return vm:read_file(("/proc/self/task/%d/syscall"):format(w.tid)):find("^1006 ")
	end, { interval = 0.005 })
	kacs.close(vm, token)
	assert_eq(0, kacs.counts(vm).files)
	assert_eq(1, kacs.counts(vm).tokens)
	assert_error(function() vm:rmmod("kacs") end, "rmmod kacs: EAGAIN")
	assert_errno("ETIMEDOUT", call:wait())
	assert_eq(0, kacs.counts(vm).tokens)
	w:kill()
	vm:rmmod("kacs")
	vm:insmod("kacs")
end)

test("rmmod works after a sleeping call was killed", function()
	local token = kacs.create(vm, 1)
	local w = vm:spawn()
	kacs.close(vm, token)
	w.kacs:async("wait_token", token, 0xffffffff)
	vm:wait_until(function()
		return vm:read_file(("/proc/%d/syscall"):format(w.pid)):find("^1006 ")
	end, { interval = 0.005 })
	w:kill()
	vm:wait_until(function() return pcall(vm.rmmod, vm, "kacs") end, { interval = 0.01, desc = "rmmod" })
	vm:insmod("kacs")
end)

local workers		-- a list of four workers

-- Makes one call on each worker, all in flight at once. Returns a list of the
-- results.
local function all(method, args)
	local calls, results = {}, {}
	for i, w in ipairs(workers) do calls[i] = w:async(table.unpack { method, table.unpack(args(i)) }) end
	for i, call in ipairs(calls) do results[i] = call:wait() end
	return results
end

-- Lets each worker install a token, fork a child with it, and close its
-- descriptor.
local function use()
	local fds = all("module_call", function(i) return { "kacs", "create_token", kacs.spec(i) } end)
	assert_eq({ 0, 0, 0, 0 }, all("module_call", function(i) return { "kacs", "install_token", fds[i] } end))
	for _, pid in ipairs(all("syscall", function() return { "fork" } end)) do assert(pid > 0, pid) end
	all("syscall", function(i) return { "close", fds[i] } end)
	for _, pid in ipairs(all("syscall", function() return { "wait4", -1, 0, 0, 0 } end)) do assert(pid > 0, pid) end
end

-- Unloads the module while each worker opens its token: each worker gets a
-- descriptor, or ENOSYS.
local function unload_under_them()
	local calls = {}
	for i, w in ipairs(workers) do calls[i] = w.kacs:async("open_self_token", 0, 0) end
	local gone, err = pcall(vm.rmmod, vm, "kacs")
	assert(gone or err.errno == "EAGAIN", err)
	for i, w in ipairs(workers) do
		local fd = calls[i]:wait()
		assert(fd >= 3 or fd == -38, fd)
		if fd >= 0 then kacs.close(w, fd) end
	end
	if not gone then vm:rmmod("kacs") end
	return gone
end

test(("%d rounds of loading, use by four workers, and unloading"):format(ROUNDS), { timeout = "9m" }, function()
	vm:rmmod("kacs")
	workers = { vm:spawn(), vm:spawn(), vm:spawn { thread = true }, vm:spawn { thread = true } }
	local under_them = 0
	for _ = 1, ROUNDS do
		vm:insmod("kacs")
		use()
		if unload_under_them() then under_them = under_them + 1 end
	end
	log(("%d of %d unloaded while calls were in flight"):format(under_them, ROUNDS))
	for _, w in ipairs(workers) do w:kill() end
	assert_eq(false, is_loaded())
	assert_errno("ENOSYS", vm:syscall(1000, 0, 8))
end)
