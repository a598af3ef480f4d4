-- SPDX-License-Identifier: GPL-2.0-only
-- Runs a share of the test suite inside a VM of the profile "nested", which has
-- KVM and vsock even where this machine has neither. make test-kvm runs it once
-- for each VM.
--
-- NESTED_SHARE   which part of the tests: "1/2" or "2/2"; "1/1" is all of them
-- NESTED_TESTS   the test files, as in "kit/boot calls/exec"
-- NESTED_OUT     make's output folder; NAME.result goes to NESTED_OUT/nested/
-- NESTED_RUNNER  the runner, in NESTED_OUT
-- PROFILE        the profile that the tests use
--
-- The VM sees this machine's root, so it runs the same runner, QEMU and
-- kernels.

local MEMORY = "5G"
local JOBS = 2			-- test files that run at a time in one VM
local TIME_LIMIT = "20m"	-- time limit of one test file
local POLL_S = 0.2
local PROBE_S = "240"		-- time limit of the KVM probe; the distribution's kernel takes 30 s on an idle machine

-- The files that take longest in a nested VM, longest first. The time depends
-- on how often a file starts QEMU: each start takes two seconds.
local LONGEST = {
	"kacs/new_syscall", "clones/fixture_faults", "kit/gate", "clones/fixture_keys", "kit/profiles",
	"kit/bad_input", "clones/fixture_disks", "processes/workers", "processes/jobs",
	"clones/snapshots", "reports/evidence", "kit/probe",
}

-- Tests that repeat something thousands of times repeat it a tenth as often
-- here.
local LOOPS = {
	KACS_CALLS = 10000, KACS_ROUNDS = 100, KILLS = 50, GATE_ROUNDS = 2, GATE_FILES = 16,
	WORKERS = 200, RACES = 200,
}

-- The kernel arguments of the nested VM's guests. Each byte on their console
-- costs a millisecond of emulated QEMU, and reading the clock chip takes
-- seconds; KVM tells them the time.
local APPEND = "loglevel=1 initcall_blacklist=cmos_init"

local out, runner = os.getenv "NESTED_OUT", os.getenv "NESTED_RUNNER"
local profile = os.getenv "PROFILE" or "minimal"
local top = require("provium.core").realpath "."
if out:sub(1, 1) ~= "/" then out = top .. "/" .. out end

provium.timeout = "2h"
provium.ignore(".", "the nested VM's own kernel is not under test")

-- stdout is for make to read; messages about the progress go to stderr.
local function say(text) io.stderr:write(text) end

-- --- which test files this VM runs ---

local function in_order(tests)
	local given, list = {}, {}
	for name in tests:gmatch "%S+" do given[name] = true end
	for _, name in ipairs(LONGEST) do
		if given[name] then
			list[#list + 1] = name
			given[name] = nil
		end
	end
	for name in tests:gmatch "%S+" do
		if given[name] then list[#list + 1] = name end
	end
	return list
end

-- Deals the files out like cards, alternately forwards and backwards, so that
-- all shares take equally long.
local function share_of(files, share)
	local number, of = share:match "^(%d)/(%d)$"
	local mine = {}
	number, of = tonumber(number), tonumber(of)
	for i, name in ipairs(files) do
		local at = (i - 1) % (2 * of)
		if math.min(at, 2 * of - 1 - at) + 1 == number then mine[#mine + 1] = name end
	end
	return mine
end

-- --- the nested VM ---

-- Runs a command in the tree. Returns its output, or raises an error if it
-- fails.
local function run(vm, cmd, env)
	local result = vm:exec(cmd, { cwd = top, env = env, timeout = "10m" })
	if not result.ok then
		error(("nested: %s: exit status %d: %s%s"):format(cmd, result.exit_code, result.stdout, result.stderr), 0)
	end
	return result.stdout.value
end

-- Probes KVM once. Returns the environment that tells every runner in the VM
-- the result.
local function environment(vm)
	local env = {
		ACCEL = "kvm", TRANSPORT = "vsock", PROFILE = profile,
		PROVIUM_STORE = "/run/fixtures", PROVIUM_PROBE = PROBE_S,
	}
	for name, value in pairs(LOOPS) do env[name] = value end
	local accel = run(vm, ("%s accel %s"):format(runner, profile), env)
	env.PROVIUM_BOOT = accel:match " in ([%d.]+) s"
	say(accel)
	return env
end

local function boot()
	local vm = provium.create("nested"):boot { memory = MEMORY }
	run(vm, ("chmod 666 /dev/kvm /dev/vhost-vsock && sed -i 's/^append  = ./&%s /' %s/provium.toml %s/profile/*/profile.toml")
		:format(APPEND, out, out))
	return vm, environment(vm)
end

-- --- running the test files in it ---

-- Copies the result of a test file out of the VM. A runner that was killed has
-- left none, which the summary reports as BROKEN.
local function save_result(vm, name)
	local path = ("%s/nested/%s.result"):format(out, name)
	local ok, data = pcall(vm.read_file, vm, path)
	if not ok then
		if data.kind ~= "op" then error(data, 0) end
		return say(("nested: %s: %s\n"):format(name, data))
	end
	local file = assert(io.open(path, "wb"))
	file:write(data)
	file:close()
end

local function start(worker, name, env)
	return worker:async("exec", ("mkdir -p $(dirname %s/nested/%s) && %s test --verdict %s/nested/%s tests/%s.lua")
		:format(out, name, runner, out, name, name), { cwd = top, env = env, timeout = TIME_LIMIT })
end

-- Handles the end of a worker's call, then starts the next file on that worker.
local function advance(vm, slot, waiting, env)
	if slot.call then
		local result = slot.call:wait()
		say(result.stdout.value .. result.stderr.value)
		save_result(vm, slot.name)
		slot.call = nil
	end
	slot.name = waiting[1] and table.remove(waiting, 1)
	slot.call = slot.name and start(slot.worker, slot.name, env)
end

-- Runs the files, JOBS at a time. A file leaves the list `waiting` when it
-- starts.
local function run_files(vm, env, waiting, slots)
	for i = 1, JOBS do slots[i] = { worker = vm:spawn() } end
	wait_until(function()
		local busy = false
		for _, slot in ipairs(slots) do
			if not slot.call or slot.call:done() then advance(vm, slot, waiting, env) end
			busy = busy or slot.call
		end
		return not busy
	end, { timeout = "2h", interval = POLL_S, desc = "the end of the test files" })
end

-- Returns true if the error means that the nested VM itself ended, not that
-- this file has a fault.
local function is_end_of_vm(err)
	return type(err) == "table" and (err.kind == "guest" or err.kind == "broken" or err.kind == "timeout")
end

-- Boots a VM and runs the files in it. Returns the error that ended the VM, or
-- nil.
local function attempt(waiting)
	local slots = {}
	local ok, err = pcall(function()
		local vm, env = boot()
		run_files(vm, env, waiting, slots)
		vm:shutdown()
	end)
	if ok then return end
	if not is_end_of_vm(err) then error(err, 0) end
	for _, slot in ipairs(slots) do
		if slot.name then table.insert(waiting, 1, slot.name) end
	end
	provium.shutdown_all()
	return err
end

local waiting = share_of(in_order(os.getenv "NESTED_TESTS"), os.getenv "NESTED_SHARE")

-- Emulated SVM is not reliable: if a VM ends, another one is started once for
-- the files that are left.
local err = #waiting > 0 and attempt(waiting)
if err then
	say(("nested: the VM itself ended: %s; starting it once more\n"):format(err))
	err = attempt(waiting)
end
if err then error(err, 0) end
assert(#waiting == 0, "every file has run")
