-- SPDX-License-Identifier: GPL-2.0-only
-- A provium.toml of the user: how it is found and read, and the errors with
-- file and line.

local runner = require "runner"

if runner.lacks_vmlinux("profiles in a provium.toml of the user") then return end
runner.scale_limits()

local MODULES = provium.create().core:info().modules
local KERNEL = ("%s/profile/%s/vmlinux"):format(runner.home, provium.profile)

-- Runs provium exec below a folder with this provium.toml and these other
-- files.
local function exec(toml, cmd, files)
	local r
	runner.with_folder(function(dir)
		runner.write(dir .. "/provium.toml", toml)
		for name, data in pairs(files or {}) do runner.write(dir .. "/" .. name, data) end
		if files and files["own.list"] then
			assert(os.execute(("cd %s && %s/bin/gen_init_cpio own.list >own.cpio"):format(dir, runner.quote(runner.home))))
		end
		os.execute(("mkdir -p %s/below/it && ln -s %s %s/vmlinux"):format(dir, runner.quote(KERNEL), dir))
		r = runner.run({ "exec", "mine", cmd }, { cwd = dir .. "/below/it", env = runner.probed() })
		r.said = r.said:gsub(dir:gsub("%p", "%%%0"), "DIR")
	end)
	return r
end

local function assert_refused(toml, message)
	local r = exec(toml, "true")
	assert_eq(2, r.status)
	assert_eq("provium: " .. message .. "\n", r.said)
end

test("a provium.toml in a parent folder is found, and its paths are relative to it", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\n", "echo hello")
	assert_eq(0, r.status)
	assert(r.said:find("\nhello\n$"), r.said)
end)

test("provium.toml: append, both kinds of quotes, comments and unknown tables are read", function()
	local r = exec([=[
# my kernels
[tool.other]
kernel = 42
list = [1, 2]

[profile."mine"]   # the one
kernel = 'vmlinux'
append = "answer=42 quoted=\"x\""	# with quotes
]=], "cat /proc/cmdline")
	assert_eq(0, r.status)
	assert_contains(r.said, "answer=42 quoted=\"x\"")
end)

test("initrd: the user's files replace files of the agent's initramfs", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\ninitrd = \"own.cpio\"\n", "cat /own/file /etc/passwd", {
		file = "from my initramfs\n", passwd = "me:x:0:0:me:/:/bin/sh\n",
		["own.list"] = "dir /own 0755 0 0\nfile /own/file file 0644 0 0\nfile /etc/passwd passwd 0644 0 0\n",
	})
	assert_eq(0, r.status)
	assert_contains(r.said, "from my initramfs\nme:x:0:0:me:/:/bin/sh\n")
end)

test("init: the user's program is process 1, and the agent runs beside it", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\ninitrd = \"own.cpio\"\ninit = \"/own/init\"\n",
		"tr '\\0' ' ' </proc/1/cmdline; cat /proc/$PPID/comm", {
		init = "#!/bin/sh\nwhile :; do sleep 1000; done\n",
		["own.list"] = "dir /own 0755 0 0\nfile /own/init init 0755 0 0\n",
	})
	assert_eq(0, r.status)
	assert_contains(r.said, "/own/init")
	assert_contains(r.said, "agent\n")
end)

test("an init that does not exist: the agent's message is shown, exit status 3", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\ninit = \"/no/init\"\n", "true")
	assert_eq(3, r.status)
	assert_contains(r.said, "the agent cannot go on: provium.init=/no/init: No such file or directory\n")
	assert(not r.said:find("Call Trace", 1, true), r.said)
end)

-- --- drivers ---

-- A kernel in which the link's drivers are not there, as in a distribution's
-- kernel, which has them as modules.
local WITHOUT_DRIVERS = "[profile.mine]\nkernel = \"vmlinux\"\ninitrd = \"own.cpio\"\n"
	.. "append = \"initcall_blacklist=virtio_console_init,vsock_init,virtio_vsock_init,vsock_loopback_init\"\n"

-- Boots this kernel with an initramfs that has the list of drivers to load, and
-- these files of drivers.
local function exec_without_drivers(list, files)
	files = files or {}
	files.list = list
	files["own.list"] = "dir /.provium 0755 0 0\ndir /.provium/drivers 0755 0 0\nfile /.provium/drivers/list list 0644 0 0\n"
	for name in pairs(files) do
		if name:find("%.ko$") then
			files["own.list"] = files["own.list"] .. ("file /.provium/drivers/%s %s 0644 0 0\n"):format(name, name)
		end
	end
	return exec(WITHOUT_DRIVERS, "true", files)
end

test("a kernel without the driver of the link to the host: the message names the driver", function()
	local r = exec_without_drivers("")
	assert_eq(3, r.status)
	assert_contains(r.said, "the agent cannot go on: no link to the host: virtio-serial port provium.0: ")
	assert_contains(r.said, "this kernel has no driver virtio_console; "
		.. "if it is a module, boot the kernel with make KERNEL=FILE KDIR=DIR, which loads it\n")
end)

test("a driver that is not in the kernel's module tree: the message says so", function()
	local r = exec_without_drivers("missing virtio_console\n")
	assert_contains(r.said, "this kernel has no driver virtio_console, neither built in nor in its module tree\n")
end)

test("a driver that cannot be loaded: the message has its name and the errno", function()
	local r = exec_without_drivers("load a.ko\nload b.ko\n", { ["a.ko"] = "no module" })
	assert_contains(r.said, "; the driver a.ko cannot be loaded: Exec format error\n")
end)

test("the drivers on the initramfs's list are loaded in order before the agent connects", function()
	local r
	runner.with_folder(function(dir)
		runner.write(dir .. "/list", "load load_core.ko\nload load_user.ko\n")
		runner.write(dir .. "/own.list", ("dir /.provium 0755 0 0\ndir /.provium/drivers 0755 0 0\n"
			.. "file /.provium/drivers/list list 0644 0 0\n"
			.. "file /.provium/drivers/load_core.ko M/load_core.ko 0644 0 0\n"
			.. "file /.provium/drivers/load_user.ko M/load_user.ko 0644 0 0\n"):gsub("M/", MODULES .. "/"))
		assert(os.execute(("cd %s && %s/bin/gen_init_cpio own.list >own.cpio"):format(dir, runner.quote(runner.home))))
		runner.write(dir .. "/provium.toml", ("[profile.mine]\nkernel = \"%s\"\ninitrd = \"own.cpio\"\n"):format(KERNEL))
		r = runner.run({ "exec", "mine", "cat /sys/module/load_user/parameters/answer" },
			{ cwd = dir, env = runner.probed() })
	end)
	assert_eq(0, r.status, r.said)
	assert_contains(r.said, "\n42\n")
end)

test("machine = \"q35\" boots the same kernel with a PCI bus", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\nmachine = \"q35\"\n", "ls /sys/bus/pci/devices | head -n 1")
	assert_eq(0, r.status)
	assert_contains(r.said, "0000:00:00.0\n")
end)

test("the error for an unknown machine lists the known machines", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\nmachine = \"pdp11\"\n", "true")
	assert_eq(2, r.status)
	assert_contains(r.said, "machine \"pdp11\"; expected microvm or q35")
end)

test("the error for a line other than key = \"string\" has the line's number", function()
	assert_refused("[profile.mine]\nkernel = vmlinux\n", "DIR/provium.toml:2: expected key = \"string\"")
	assert_refused("[profile.mine]\nkernel = \"vmlinux\n", "DIR/provium.toml:2: expected key = \"string\"")
	assert_refused("[profile.mine]\n\n# kernel\nkernel\n", "DIR/provium.toml:4: expected key = \"string\"")
	assert_refused("[profile.mine]\nkernel = \"vmlinux\" and more\n", "DIR/provium.toml:2: expected key = \"string\"")
end)

test("the error for an unknown key lists the known keys", function()
	assert_refused("[profile.mine]\nkernel = \"vmlinux\"\nmemory = \"1G\"\n",
		"DIR/provium.toml:3: unknown key; known: kernel initrd rootfs init append machine cpu modules kernel_modules debug share")
end)

test("a profile without a kernel is refused", function()
	assert_refused("[profile.mine]\nappend = \"quiet\"\n", "profile mine in DIR/provium.toml has no kernel: add kernel = \"FILE\"")
end)

test("the error for a kernel file that does not exist has the path", function()
	assert_refused("[profile.mine]\nkernel = \"none/vmlinux\"\n",
		"profile mine: kernel DIR/none/vmlinux: No such file or directory")
end)

test("the error for an unknown profile lists the known profiles, the user's first", function()
	assert_refused("[profile.yours]\nkernel = \"vmlinux\"\n",
		"there is no profile \"mine\"; there are: yours, " .. runner.profiles())
end)

test("the error for an initrd that does not exist has the path", function()
	local r = exec("[profile.mine]\nkernel = \"vmlinux\"\ninitrd = \"none.cpio\"\n", "true")
	assert_eq(2, r.status)
	assert_contains(r.said, "initramfs DIR/none.cpio: No such file or directory")
end)

test("a kernel file that is no kernel: QEMU's message is shown, exit status 3", function()
	local r = exec("[profile.mine]\nkernel = \"text\"\n", "true", { text = "not a kernel\n" })
	assert_eq(3, r.status)
	assert_contains(r.said, "QEMU exited with status 1:")
end)

-- --- $PROFILE ---

-- Runs a test file on a profile "mine", whose guests have a word of their own
-- on their kernel's command line. The file can call marked(vm) to look for it.
local function run_marked(text, env)
	local r
	runner.with_folder(function(dir)
		runner.write(dir .. "/provium.toml", ("[profile.mine]\nkernel = \"%s\"\nappend = \"marked_mine\"\n"):format(KERNEL))
		runner.write(dir .. "/t.lua", "local function marked(vm) return vm:read_file('/proc/cmdline'):find('marked_mine') ~= nil end\n" .. text)
		local all = { PROVIUM_STORE = dir .. "/store", PROFILE = "mine" }
		for name, value in pairs(runner.probed()) do all[name] = value end
		for name, value in pairs(env or {}) do all[name] = value end
		r = runner.run({ "test", "t.lua" }, { cwd = dir, env = all })
	end)
	return r
end

test("PROFILE=mine: provium.profile is \"mine\", and VMs and clones boot it", function()
	local r = run_marked [[
	test("name", function() assert_eq("mine", provium.profile) end)
	test("create", function() assert_eq(true, marked(provium.create():boot { memory = "128M" })) end)
	test("fixture", { fixture = provium.profile }, function(vm) assert_eq(true, marked(vm)) end)
	]]
	assert_eq(0, r.status, r.said)
end)

test("PROFILE=mine: a test that names another profile runs on the named profile", function()
	local r = run_marked(([[
	test("create", function() assert_eq(false, marked(provium.create("%s"):boot { memory = "128M" })) end)
	]]):format(provium.profile))
	assert_eq(0, r.status, r.said)
end)

test("an empty PROFILE means minimal", function()
	assert_eq(0, run_marked("test('name', function() assert_eq('minimal', provium.profile) end)", { PROFILE = "" }).status)
end)

test("a run's first line names the profile and its kernel's release", function()
	local r = run_marked [[
	test("fails", function() assert_eq(false, marked(provium.create():boot { memory = "128M" })) end)
	]]
	local first = r.said:match("^[^\n]*")
	assert(first:find("^accel %l+[/%l]*, mine %d+%.%d+[^ ]*: "), r.said)
	assert_eq(1, r.status, r.said)
end)

test("the error of create() for an unknown profile lists the known profiles", function()
	local r = run_marked("test('t', function() provium.create() end)", { PROFILE = "nosuch" })
	assert_eq(1, r.status)
	assert_contains(r.said, 'there is no profile "nosuch"; there are: mine, ' .. runner.profiles())
end)

-- --- exec ---

local MINE = "[profile.mine]\nkernel = \"vmlinux\"\n"

test("the exit status of `provium exec` is the command's", function()
	assert_eq(42, exec(MINE, "exit 42").status)
	assert_eq(137, exec(MINE, "kill -9 $$").status)
end)

test("`provium exec` of a command that panics the guest shows the panic, exit status 3", function()
	local r = exec(MINE, "echo c > /proc/sysrq-trigger")
	assert_eq(3, r.status)
	assert_contains(r.said, "the guest panicked: Kernel panic - not syncing")
end)
