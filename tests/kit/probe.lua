-- SPDX-License-Identifier: GPL-2.0-only
-- The choice of accelerator and transport, on hosts with a broken KVM or
-- without vsock.
--
-- The QEMUs here are scripts in front of the real one in PATH. A script knows a
-- run on KVM by its arguments, and acts there as a broken KVM does; it cannot
-- show how a real one fails.

local runner = require "runner"
runner.scale_limits()

local real = runner.shell "command -v qemu-system-x86_64"
local has_kvm = os.execute "test -e /dev/kvm"

-- Calls fn with a folder whose QEMU runs on_kvm (shell) when it is started for
-- KVM, and records each start.
local function with_qemu(on_kvm, fn)
	runner.with_folder(function(dir)
		runner.write(dir .. "/qemu-system-x86_64", ([[#!/bin/sh
echo "$2" >>%s/starts
case "$2" in kvm) %s ;; esac
exec %s "$@"
]]):format(dir, on_kvm, real))
		os.execute("chmod 755 " .. dir .. " " .. dir .. "/qemu-system-x86_64")
		fn(dir)
	end)
end

local function exec(dir, accel, more)
	local env = { PATH = dir .. ":" .. os.getenv "PATH", ACCEL = accel, TRANSPORT = "serial",
		PROVIUM_BOOT = "", PROVIUM_PROBE = "" }
	for name, value in pairs(more or {}) do env[name] = value end
	local start = os.time()
	local r = runner.run({ "exec", provium.profile, "echo it runs" }, { env = env })
	r.seconds = os.difftime(os.time(), start)
	return r
end

local function starts(dir, accel)
	local n = 0
	for kind in (runner.read(dir .. "/starts") or ""):gmatch "[^\n]+" do n = n + (kind == accel and 1 or 0) end
	return n
end

-- A shell script that behaves like KVM that works: it starts the same QEMU with
-- emulation. In the nested VM it does nothing, so that the real KVM is used.
local nested = os.getenv "ACCEL" == "kvm"
local AS_TCG = nested and ":" or [[shift 2; for a; do case "$a" in host|host,*) a=max,-erms,-fsrm;; esac; set -- "$@" "$a"; shift; done
	exec ]] .. real .. [[ -accel tcg "$@"]]

local function needs_kvm() if not has_kvm then skip "there is no /dev/kvm here" end end

local function needs_emulation()
	if nested then skip "emulation inside the nested VM takes minutes" end
end

-- The runner waits 8 s for a boot on KVM, here with the speed of emulation: one
-- that takes 1.6 s on a quiet machine may take as long on a busy one.
local function needs_fast_boot()
	if runner.slowness > 4 then skip "this kernel boots too slowly under emulation to stand for one on KVM" end
end

test("KVM that hangs: ACCEL=kvm fails within 10 s and does not fall back to emulation", { timeout = "60s" }, function()
	needs_kvm()
	with_qemu("exec sleep 1000", function(dir)
		local r = exec(dir, "kvm")
		assert_eq(3, r.status)
		assert_contains(r.said, "ACCEL=kvm: kvm probe failed: the agent in the guest did not answer within")
		assert(r.seconds <= 10, ("it took %d s"):format(r.seconds))
		assert_eq(0, starts(dir, "tcg"), "it started an emulated VM")
	end)
end)

test("KVM that hangs is probed once: the next run fails within a second", { timeout = "60s" }, function()
	needs_kvm()
	with_qemu("exec sleep 1000", function(dir)
		exec(dir, "kvm")
		local r = exec(dir, "kvm")
		assert_eq(3, r.status)
		assert_eq(1, starts(dir, "kvm"))
		assert(r.seconds <= 1)
	end)
end)

test("KVM that aborts: ACCEL=auto uses emulation, and reports QEMU's message", function()
	needs_kvm()
	needs_emulation()
	with_qemu("echo the processor is no processor >&2; kill -ABRT $$", function(dir)
		local r = exec(dir, "auto")
		assert_eq(0, r.status, r.said)
		assert(r.said:find "accel tcg, %S+ [^ ]+: kvm probe failed: QEMU was killed by signal 6", r.said)
		assert_contains(r.said, "the processor is no processor")
		assert_contains(r.said, "it runs")
	end)
end)

test("KVM that is slower than emulation is not used, and both times are reported", { timeout = "60s" }, function()
	needs_kvm()
	needs_fast_boot()
	needs_emulation()
	with_qemu("sleep 2; " .. AS_TCG, function(dir)
		local r = exec(dir, "auto")
		assert_eq(0, r.status, r.said)
		assert(r.said:find "accel tcg, %S+ [^ ]+: kvm probe booted in %d+%.%d+ s, tcg in %d+%.%d+ s", r.said)
	end)
end)

test("KVM that works is used, and probed once for two runs", function()
	needs_kvm()
	needs_fast_boot()
	with_qemu(AS_TCG, function(dir)
		local r = exec(dir, "kvm")
		assert_eq(0, r.status, r.said)
		assert(r.said:find "accel kvm, %S+ [^ ]+: kvm probe booted in %d+%.%d+ s\n", r.said)
		assert_eq(2, starts(dir, "kvm"), "the probe and the run")
		exec(dir, "kvm")
		assert_eq(3, starts(dir, "kvm"), "and another run")
	end)
end)

test("a probe made on a busy machine is repeated once the load has fallen", { timeout = "60s" }, function()
	needs_emulation()
	with_qemu(":", function(dir)
		exec(dir, "tcg")
		assert_eq(2, starts(dir, "tcg"), "the probe and the run")
		local record = runner.shell(("grep -l %s %s/accel/*.json"):format(dir, runner.home))
		runner.shell(([[sed -i 's/"load": [0-9.e+-]*/"load": 1000.0/; s/"slowness": [0-9.e+-]*/"slowness": 500.0/' %s]]):format(record))
		local r = exec(dir, "tcg")
		assert_eq(0, r.status, r.said)
		assert_eq(4, starts(dir, "tcg"), "the repeated probe and the run")
		assert(not runner.read(record):find("500.0", 1, true), "the slowness was kept:\n" .. runner.read(record))
		exec(dir, "tcg")
		assert_eq(5, starts(dir, "tcg"), "a third run does not probe")
	end)
end)

test("/dev/kvm without permission: ACCEL=kvm fails with \"Permission denied\"", function()
	needs_kvm()
	if runner.shell "id -u" ~= "0" then skip "needs root, to become another user" end
	if os.execute "setpriv --reuid 65534 --clear-groups test -w /dev/kvm" then skip "every user can open /dev/kvm" end
	runner.with_folder(function(home)
		os.execute("chmod 777 " .. home)
		local r = runner.run({ "exec", provium.profile, "true" }, {
			prefix = { "setpriv", "--reuid", "65534", "--clear-groups" },
			env = { HOME = home, XDG_CACHE_HOME = home, ACCEL = "kvm", PROVIUM_BOOT = "" },
		})
		assert_eq(3, r.status, r.said)
		assert_contains(r.said, "ACCEL=kvm: /dev/kvm: Permission denied")
	end)
end)

test("TRANSPORT=vsock without /dev/vhost-vsock fails with the device's name", function()
	if os.execute "test -e /dev/vhost-vsock" then skip "/dev/vhost-vsock exists here" end
	local r = runner.run({ "exec", provium.profile, "true" }, { env = { TRANSPORT = "vsock" } })
	assert_eq(3, r.status)
	assert_contains(r.said, "TRANSPORT=vsock: no /dev/vhost-vsock")
end)

test("doctor prints a line about each thing that a run needs", function()
	local r = runner.run({ "doctor", provium.profile }, { env = { ACCEL = os.getenv "ACCEL" or "auto" } })
	assert_eq(0, r.status, r.said)
	for _, word in ipairs { "qemu", "kvm", "vsock", "accelerator", "transport", "memory", "jobserver", "disk" } do
		assert(("\n" .. r.said):find("\n" .. word .. " "), word .. " is missing in:\n" .. r.said)
	end
end)

test("doctor for an unknown profile ends with exit status 2", function()
	local r = runner.run { "doctor", "nonesuch" }
	assert_eq(2, r.status)
	assert_contains(r.said, "there is no profile \"nonesuch\"")
end)
