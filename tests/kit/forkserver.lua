-- SPDX-License-Identifier: GPL-2.0-only
-- The fork server: from a file's second VM on, QEMU is forked from a process
-- that has loaded its libraries already. The tests look at the processes from
-- outside.

local runner = require "runner"

local SELF = tonumber(runner.read("/proc/self/stat"):match("^%d+"))

local function boot() return provium.create():boot { memory = "128M" } end

local function pid_of(vm) return vm.core:info().qemu_pid end

local function line(pid, name) return runner.read(("/proc/%d/status"):format(pid)):match(name .. ":%s*([^\n]*)") end

-- Returns the pid of this runner's fork server, or nil.
local function forkserver()
	for pid in runner.shell("grep -ls '^forkserver$' /proc/[0-9]*/comm 2>/dev/null; true"):gmatch("/proc/(%d+)/") do
		if runner.is_alive(tonumber(pid)) and tonumber(line(pid, "PPid")) == SELF then return tonumber(pid) end
	end
end

-- Returns the open descriptors of the process, without numbers, as sorted
-- lines.
local function descriptors(pid)
	local list = {}
	for target in runner.shell(("readlink /proc/%d/fd/*"):format(pid)):gmatch("[^\n]+") do
		list[#list + 1] = target:gsub("%d+", "N")
	end
	table.sort(list)
	return table.concat(list, "\n")
end

local first = boot()
assert_eq(nil, forkserver(), "one VM started a fork server")
local second = boot()

test("the fork server's process name is not QEMU's", function()
	local pid = forkserver()
	assert(pid)
	assert_eq("provium-forkserver", runner.read(("/proc/%d/cmdline"):format(pid)):match("^[^\0]*"))
end)

test("a forked QEMU has the same descriptors, signals and parent as an executed one", function()
	local a, b = pid_of(first), pid_of(second)
	for _, name in ipairs { "Name", "PPid", "SigBlk", "SigCgt", "NoNewPrivs" } do
		assert_eq(line(a, name), line(b, name), name)
	end
	assert_eq(tostring(b), line(b, "NSpgid"), "a process group of its own")
	assert_eq(tostring(SELF), line(b, "PPid"))
	assert_eq(descriptors(a), descriptors(b))
	for _, name in ipairs { "oom_score_adj", "comm" } do
		assert_eq(runner.read(("/proc/%d/%s"):format(a, name)), runner.read(("/proc/%d/%s"):format(b, name)))
	end
	assert_eq(runner.shell("readlink /proc/" .. a .. "/exe"), runner.shell("readlink /proc/" .. b .. "/exe"))
	local words = runner.read(("/proc/%d/cmdline"):format(b)):gsub("\0", " ")
	assert_contains(words, "qemu-system-x86_64 -accel ")
	assert_contains(words, " -m 128M ")
end)

test("the guests of two forked QEMUs have different random numbers", function()
	local other = boot()
	assert_ne(second:read_file("/proc/sys/kernel/random/boot_id"), other:read_file("/proc/sys/kernel/random/boot_id"))
	other:kill()
end)

test("after the fork server's death the next QEMU is executed, and its VM works", function()
	os.execute("kill -KILL " .. assert(forkserver()))
	local other = boot()
	assert(other:exec("true").ok)
	assert_eq(nil, forkserver())
	other:kill()
	assert(second:exec("true").ok)
end)

test("no process is left when a runner with a fork server exits or is killed", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/two.lua", [[
			local a = provium.create():boot { memory = "128M" }
			local b = provium.create():boot { memory = "128M" }
			test("two", function()
				io.open(os.getenv("FLAG") .. "/both", "w"):close()
				if os.getenv("LONG") then b:exec("sleep 1000") end
				assert(b:exec("true").ok)
			end)
		]])
		local function left()
			return runner.shell(("grep -lsF 'FLAG=%s' /proc/[0-9]*/environ 2>/dev/null; true"):format(dir)):gsub("%s+$", "")
		end
		runner.shell(("FLAG=%s %s test %s/two.lua"):format(dir, runner.quote(runner.path), dir))
		assert_eq("", left())
		os.remove(dir .. "/both")
		local pid = runner.shell(("FLAG=%s LONG=1 %s test %s/two.lua >/dev/null 2>&1 & echo $!"):format(dir,
			runner.quote(runner.path), dir)):match("%d+")
		wait_until(function() return runner.read(dir .. "/both") end, { interval = 0.02, timeout = 60 })
		assert(left() ~= "")
		os.execute("kill -KILL " .. pid)
		wait_until(function() return left() == "" end, { interval = 0.02, timeout = 10, desc = "the end of every process" })
	end)
end)
