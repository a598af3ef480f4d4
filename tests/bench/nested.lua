-- SPDX-License-Identifier: GPL-2.0-only
-- make bench-nested, inside the nested VM: the costs of KVM and vsock there.
--
-- Only the ratios are meaningful: each exit of this guest takes some thousand
-- emulated instructions.

local core = require "provium.core"

local ROUNDS, TRIPS, TRIP_ROUNDS = 5, 50, 9

provium.timeout = "20m"

local function median(t)
	table.sort(t)
	return t[#t // 2 + 1]
end

local function row(name, ours, base)
	print(("nested, kvm/vsock: %-40s %9.3f ms / %9.3f ms = %6.3f"):format(name, ours * 1e3, base * 1e3, ours / base))
end

local function boot() return provium.create():boot() end
local function clone() return provium.fixture(provium.profile) end

-- Returns the seconds to the first answered call, and to hello as the VM
-- measured it.
local function start(how)
	local begin = core.now()
	local vm = how()
	vm:syscall("getpid")
	local seconds = core.now() - begin
	local hello = vm.core:info().boot_seconds
	vm:kill()
	return seconds, hello
end

local function trip(vm)
	local begin = core.now()
	for _ = 1, TRIPS do vm:syscall("getpid") end
	return (core.now() - begin) / TRIPS
end

clone():kill()

local booted, hellos, resumed = {}, {}, {}
for i = 1, ROUNDS do
	booted[i], hellos[i] = start(boot)
	resumed[i] = start(clone)
end

-- Measures the lower bound of both times: a QEMU that only prints its version.
local function bare()
	local begin = core.now()
	os.execute "qemu-system-x86_64 --version >/dev/null"
	return core.now() - begin
end
local bares = {}
for i = 1, ROUNDS do bares[i] = bare() end

row("cold boot to hello / QEMU's own start", median(hellos), median(bares))
row("resume to first call / cold boot", median(resumed), median(booted))

local fresh, woken = boot(), clone()
local a, b = {}, {}
for i = 1, TRIP_ROUNDS do a[i], b[i] = trip(fresh), trip(woken) end
row("round trip after a resume / after a boot", median(b), median(a))
assert(true)
