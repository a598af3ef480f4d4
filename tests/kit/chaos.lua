-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --chaos SEED.

local chaos = require "provium.chaos"
local core = require "provium.core"
local runner = require "runner"
local read_file = runner.read

provium.timeout = "10m"

test("the timing of a seed is always the same, and 100 seeds have all speeds of the clock", function()
	local shifts, arguments = {}, {}
	for seed = 1, 100 do
		local plan = chaos.plan(seed, 1)
		local again = chaos.plan(seed, 1)
		assert_eq(plan.shift, again.shift)
		assert_eq(plan.append, again.append)
		assert_ne(plan.append, chaos.plan(seed, 2).append, "two VMs of one run have the same timing")
		shifts[plan.shift], arguments[plan.append] = true, true
	end
	for shift = 0, 6 do assert(shifts[shift], ("no seed has the shift %d"):format(shift)) end
	local nr = 0
	for _ in pairs(arguments) do nr = nr + 1 end
	assert_eq(100, nr)
end)

test("the noise interrupts a process that does not sleep, and changes its priority", function()
	local function interruptions(vm)
		local r = vm:exec("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; grep nonvol /proc/$$/status; cut -d' ' -f19 /proc/$$/stat")
		local n, nice = r.stdout:match("(%d+)\n(-?%d+)")
		return tonumber(n), tonumber(nice)
	end
	local quiet = provium.create():boot()
	local before, nice = interruptions(quiet)
	assert_eq(0, nice)
	quiet:kill()
	local noisy = provium.create():boot { append = "provium.noise=1,200000" }
	local after = interruptions(noisy)
	assert(after > before + 20, ("%d interruptions without noise, and %d with it"):format(before, after))
	wait_until(function()
		local _, other = interruptions(noisy)
		return other ~= 0
	end, { desc = "a priority that the noise has changed" })
end)

test("noise with a wrong argument ends the boot with an error that names the right one", { expect_panic = true }, function()
	local ok, err = pcall(function() provium.create():boot { append = "provium.noise=loud" } end)
	assert(not ok)
	assert_contains(tostring(err), "provium.noise=loud: expected SEED,NANOSECONDS")
end)

test("a wrong seed, or a run that --chaos cannot record, is an error that says what to do", function()
	local function said(args, env)
		local r = runner.run(args, { env = env })
		assert_eq(2, r.status, r.said)
		return r.said:match("^[^\n]*")
	end
	for _, seed in ipairs { "x", "0", "-1", "1.5", "", "1000000001" } do
		assert_eq(("provium test: --chaos %s: expected a seed, a number from 1 to 1000000000"):format(seed),
			said { "test", "--chaos", seed, "good.lua" })
	end
	assert_eq("provium test: --chaos needs ACCEL=tcg, which QEMU can record; it is kvm",
		said({ "test", "--chaos", "1", "good.lua" }, { ACCEL = "kvm" }))
	assert_contains(said { "test", "--chaos", "1", "--gdb", "good.lua" }, "--chaos excludes --on-failure and --gdb: ")
	assert_eq(1, runner.run({ "test", "--chaos", "1", "-f", "two processors", "records_wrongly.lua" }).status)
end)

if runner.lacks_vmlinux("a run with --chaos is recorded, and its recording replays") then return end

test("--chaos with --repeat counts the seed on, keeps the recording of the failure, and names its seed", function()
	runner.with_folder(function(dir)
		local file = runner.write(dir .. "/second.lua", runner.counting_code(dir) .. [[
			test("fails the second time", { fixture = provium.profile }, function(vm)
				assert_contains(vm:read_file("/proc/cmdline"), "provium.noise=")
				vm:exec("pidof provium-noise >/dev/kmsg")
				assert(not is_second)
			end)
		]])
		local r = runner.run({ "test", "--chaos", "41", "--repeat", "5", file }, { raw = true })
		assert_eq(1, r.status, r.said)
		assert_contains(r.said, "FAIL: 1 passed, 1 failed\n")
		assert_contains(r.said, " test --chaos 42 -f '^fails the second time$' ")
		local folder = runner.recordings_of(dir) .. "/second/vm-1"
		local recorded, plan = core.json(read_file(folder .. "/recording.json")), chaos.plan(42, 1)
		assert_eq(plan.shift, recorded.shift)
		assert_eq(plan.append, recorded.options.append)
		assert(read_file(folder .. "/console.log"):find("%] %d+\n"), "the guest has no noise process")
		local again = runner.run({ "replay", folder }, { raw = true })
		assert_contains(again.said, "the same as recorded: ")
		assert_eq(0, again.status, again.said)
	end)
end)
