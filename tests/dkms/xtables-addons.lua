-- SPDX-License-Identifier: GPL-2.0-only
-- xtables-addons-dkms: matches of iptables, set with the distribution's
-- iptables on packets to the guest itself.

local dkms = require "dkms"

local LIBRARIES = { "libxtables.so.12", "libip4tc.so.2", "libip6tc.so.2" }
local PLUGINS = { "condition", "quota2", "standard" }
local HOST = { "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6" }

-- Returns the guest's files: iptables and the C library that it was made for.
local function files()
	local root, list = dkms.folder("xtables-addons") .. "/usr", {}
	list["/sbin/iptables"] = root .. "/sbin/xtables-legacy-multi"
	for _, name in ipairs(LIBRARIES) do list["/lib/x86_64-linux-gnu/" .. name] = root .. "/lib/x86_64-linux-gnu/" .. name end
	for _, name in ipairs(PLUGINS) do
		list[("/xtables/libxt_%s.so"):format(name)] = ("%s/lib/x86_64-linux-gnu/xtables/libxt_%s.so"):format(root, name)
	end
	for _, path in ipairs(HOST) do list[path] = path end
	return list
end

local case = dkms.tests("xtables-addons", function() return { files = files() } end, function(vm)
	vm:mount_vfs()
	if not vm:exec("test -e /proc/net/ip_tables_names").ok then vm:insmod("iptable_filter") end
	vm:insmod("xt_condition")
	vm:insmod("xt_quota2")
	assert(vm:exec("ip link set lo up").ok)
end)

local function iptables(vm, args)
	local r = vm:exec("XTABLES_LIBDIR=/xtables iptables " .. args)
	assert_eq({ 0, "" }, { r.exit_code, r.stderr.value })
end

local function answers(vm, options) return vm:exec(("ping -c 1 -W 2 %s 127.0.0.1"):format(options or "")).ok end

case("without a rule, the guest answers a ping to itself", function(vm) assert_eq(true, answers(vm)) end)

case("a rule with a condition drops packets only while the condition is set", function(vm)
	iptables(vm, "-A INPUT -p icmp -m condition --condition stop -j DROP")
	assert_eq(true, answers(vm))
	vm:write_file("/proc/net/nf_condition/stop", "1")
	assert_eq(false, answers(vm))
	vm:write_file("/proc/net/nf_condition/stop", "0")
	assert_eq(true, answers(vm))
	iptables(vm, "-F INPUT")
	assert(not vm:exec("test -e /proc/net/nf_condition/stop").ok)
end)

case("a rule with quota2 lets as many packets pass as the quota says", function(vm)
	iptables(vm, "-A INPUT -p icmp -m quota2 --name pings --packets --quota 4 -j ACCEPT")
	iptables(vm, "-A INPUT -p icmp -j DROP")
	-- Each ping takes two packets of the quota: on the loopback interface,
	-- the guest receives the request and the reply.
	assert_eq({ true, true, false }, { answers(vm), answers(vm), answers(vm) })
	assert_eq("0\n", vm:read_file("/proc/net/xt_quota/pings"))
	iptables(vm, "-F INPUT")
	assert_eq(true, answers(vm))
end)

case("the matches can be removed when no rule uses them", function(vm)
	for _, name in ipairs { "xt_condition", "xt_quota2" } do
		vm:rmmod(name)
		assert(not vm:exec("test -d /sys/module/" .. name).ok, name)
	end
end)
