-- SPDX-License-Identifier: GPL-2.0-only
-- modprobe, modinfo and request_module() in the guest, for the built modules.

local runner = require "runner"

local BASE = provium.profile

local function loaded(vm)
	local names = {}
	for name in vm:read_file("/proc/modules"):gmatch("([^\n ]+)[^\n]*\n") do names[name] = true end
	return names
end

local function assert_ok(result)
	assert_eq({ 0, "" }, { result.exit_code, result.stderr.value })
	return result
end

test("modprobe inserts a built module and those that it needs, and -r removes them", { fixture = BASE }, function(vm)
	assert_ok(vm:exec("modprobe load-user"))
	local names = loaded(vm)
	assert_eq({ true, true }, { names.load_user, names.load_core })
	assert_ok(vm:exec("modprobe -r load_user"))
	assert_eq(nil, loaded(vm).load_user)
end)

test("modprobe passes parameters to the module", { fixture = BASE }, function(vm)
	assert_ok(vm:exec("modprobe load_params count=42"))
	assert_eq("42\n", vm:read_file("/sys/module/load_params/parameters/count"))
end)

test("/sbin/modprobe -n tells whether there is a module, and inserts none", { fixture = BASE }, function(vm)
	assert_ok(vm:exec("/sbin/modprobe -q -n load_user && /sbin/modprobe --dry-run load-core"))
	assert_eq(nil, loaded(vm).load_core)
	assert_eq(false, vm:exec("/sbin/modprobe -q -n nonesuch").ok)
end)

test("modinfo prints a built module's description and parameters", { fixture = BASE }, function(vm)
	local said = assert_ok(vm:exec("modinfo load_params")).stdout
	assert_contains(said.value, "parameters of each kind, for the tests of insmod")
	assert_contains(said.value, "count:a number")
end)

test("request_module() of a module loads a built module", { fixture = BASE }, function(vm)
	vm:insmod("load_request", { wanted = "echo" })
	assert_eq(true, loaded(vm).echo)
end)

test("request_module() of a module that was not built fails", { fixture = BASE }, function(vm)
	assert_error(function() vm:insmod("load_request", { wanted = "nonesuch" }) end,
		'ENODEV; the kernel said:\n.*request_module%("nonesuch"%) returned')
end)

test("modprobe of an unknown module fails, and a user other than root does not wait", { fixture = BASE }, function(vm)
	assert_ok(vm:exec("ls /lib/modules"))
	local user = vm:spawn()
	assert_eq(0, user:syscall("setresuid", 1000, 1000, 1000))
	assert_eq(false, user:exec("modprobe echo", { timeout = 5 }).ok)
	assert_eq(false, vm:exec("modprobe nonesuch").ok)
	assert_ok(vm:exec("modprobe echo"))
end)

test("modprobe does not ask the runner while PID 1 cannot answer yet", { fixture = BASE }, function(vm)
	assert_ok(vm:exec("mv /.provium/serves-modules /tmp"))
	local r = vm:exec("modprobe echo")
	assert_eq(false, r.ok)
	assert(not r.stderr.contains("did not send"), r.stderr.value)
	assert_eq("", vm:exec("ls /lib/modules").stdout.value)
	assert_ok(vm:exec("mv /tmp/serves-modules /.provium"))
	assert_ok(vm:exec("modprobe echo"))
end)

test("a verdict depends on the built modules only if its guest asked for modules", function()
	runner.with_folder(function(dir)
		local asks = "test('x', { fixture = provium.profile }, function(vm) assert(vm:exec('%s').ok) end)\n"
		for name, cmd in pairs { asks = "modprobe echo", does_not = "test -z \"$(ls /lib/modules)\"" } do
			runner.write(("%s/%s.lua"):format(dir, name), asks:format(cmd))
			local r = runner.run({ "test", "--verdict", dir .. "/" .. name, dir .. "/" .. name .. ".lua" },
				{ env = runner.probed() })
			assert_eq(0, r.status, r.said)
		end
		assert_contains(runner.read(dir .. "/asks.d"), "modules/load_core.ko")
		assert(not runner.read(dir .. "/does_not.d"):find(".ko", 1, true))
	end)
end)
