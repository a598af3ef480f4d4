-- SPDX-License-Identifier: GPL-2.0-only
-- insmod and rmmod: what they do, and the error for each way in which they can
-- fail.

local echo = require "echo_device"
local runner = require "runner"

local vm = provium.create():boot()

local built = vm.core:info().modules .. "/echo.ko"

local function host_file(path)
	local file = assert(io.open(path, "rb"))
	local data = file:read("a")
	file:close()
	return data
end

-- Returns echo.ko, compressed by a program of the host.
local function packed_with(program)
	local pipe = assert(io.popen(("%s -qc <'%s'"):format(program, built)))
	local data = pipe:read("a")
	assert(pipe:close(), program)
	return data
end

-- Calls fn with the path of a host file with these bytes, and removes the file
-- afterwards.
local function with_file(data, suffix, fn)
	local path = os.tmpname()
	local named = path .. suffix
	local file = assert(io.open(named, "wb"))
	file:write(data)
	file:close()
	local ok, err = pcall(fn, named)
	os.remove(named)
	os.remove(path)
	if not ok then error(err, 0) end
end

local function is_loaded() return vm:read_file("/proc/modules"):find("^echo ") ~= nil end

-- Calls fn with the module loaded, and unloads it afterwards.
local function with_echo(fn)
	vm:insmod("echo")
	fn()
	vm:rmmod("echo")
end

test("insmod by name loads a module that was built here", function()
	with_echo(function()
		assert_eq(true, is_loaded())
		assert(vm:exec("test -c /dev/echo").ok)
	end)
end)

test("insmod of a loaded module fails with EEXIST", function()
	with_echo(function()
		local err = assert_error(function() vm:insmod("echo") end, "insmod echo: EEXIST: module echo is loaded already")
		assert_eq("EEXIST", err.errno)
	end)
end)

test("rmmod unloads the module and removes its device", function()
	vm:insmod("echo")
	vm:rmmod("echo")
	assert_eq(false, is_loaded())
	assert(not vm:exec("test -e /dev/echo").ok)
end)

test("rmmod of a module that is not loaded fails with ENOENT and lists the loaded ones", function()
	vm:insmod("load_core")
	assert_error(function() vm:rmmod("echo") end, "rmmod echo: ENOENT: it is not loaded; loaded are: load_core")
	vm:rmmod("load_core")
end)

test("rmmod of a module in use fails with EAGAIN, and the module works on", function()
	vm:insmod("echo")
	local fd = echo.open(vm)
	assert_error(function() vm:rmmod("echo") end, "rmmod echo: EAGAIN: in use: its reference count is 1 %(open files, running calls%)")
	assert_eq(69, (vm:ioctl(fd, echo.NOP)))
	vm:syscall("close", fd)
	vm:rmmod("echo")
	assert_eq(false, is_loaded())
end)

test("insmod by path loads a host file", function()
	with_file(host_file(built), ".ko", function(path)
		vm:insmod(path)
		assert_eq(true, is_loaded())
		vm:rmmod("echo")
	end)
end)

test("a module can be loaded and unloaded twenty times", function()
	for _ = 1, 20 do
		vm:insmod("echo")
		vm:rmmod("echo")
	end
	assert_eq(false, is_loaded())
end)

-- --- which module a name means ---

test("insmod and rmmod take a module's name with - and with _", function()
	for _, name in ipairs { "load-params", "load_params", "load-params.ko", "load_params.ko" } do
		vm:insmod(name)
		assert(vm:exec("test -d /sys/module/load_params").ok, name)
		vm:rmmod(name)
		assert(not vm:exec("test -d /sys/module/load_params").ok, name)
	end
end)

test("the error of insmod for an unknown name lists the built modules", function()
	local err = assert_error(function() vm:insmod("loadcore") end, "insmod loadcore: there is no module loadcore in /")
	assert_contains(tostring(err), "; there are: echo, ")
	assert_contains(tostring(err), 'load_core, load_params, load_request, load_user')
	assert(tostring(err):find('; did you mean "load_core"%? %(make [^)]*modules builds '), tostring(err))
end)

test("insmod of a path without a file is refused", function()
	assert_error(function() vm:insmod("/no/such.ko") end, "insmod /no/such.ko: .*No such file or directory")
end)

test("insmod unpacks modules that are compressed with xz, zstd and gzip", function()
	for suffix, program in pairs { xz = "xz", zst = "zstd", gz = "gzip" } do
		local packed = packed_with(program)
		with_file(packed, "." .. suffix, function(path)
			local named = path:gsub("[^/]*$", "echo.ko." .. suffix)
			assert(os.rename(path, named))
			local ok, err = pcall(vm.insmod, vm, named)
			os.remove(named)
			assert(ok, err)
			assert_eq(true, is_loaded())
			vm:rmmod("echo")
		end)
	end
end)

-- Runs a suite with a profile whose folder of built modules is empty, and whose
-- kernel's own modules are those built here.
local function with_kernel_modules(source)
	local r
	runner.with_folder(function(dir)
		os.execute("mkdir " .. dir .. "/empty")
		runner.write(dir .. "/provium.toml",
			runner.profile_toml { modules = dir .. "/empty", kernel_modules = vm.core:info().modules })
		runner.write(dir .. "/t.lua", "local vm = provium.create():boot()\n" .. source)
		r = runner.run({ "test", "t.lua" }, { cwd = dir, env = runner.probed() })
	end)
	return r
end

test("insmod takes a module and its dependencies from the kernel's own if not built here", function()
	local r = with_kernel_modules('vm:insmod("load_user")\nassert(vm:exec("test -d /sys/module/load_core").ok)\n')
	assert_eq(0, r.status, r.said)
end)

test("modprobe finds the kernel's own modules", function()
	local r = with_kernel_modules('assert(vm:exec("modprobe load_user && test -d /sys/module/load_core").ok)\n')
	assert_eq(0, r.status, r.said)
end)

test("the error of insmod for an unknown name says that the kernel has no such module either", function()
	local r = with_kernel_modules('vm:insmod("nonesuch")\n')
	assert_eq(1, r.status, r.said)
	assert(r.said:find("no module nonesuch in %S+/empty, nor among the kernel's own; the folder has no modules"), r.said)
end)

-- --- parameters ---

local function param(name) return vm:read_file("/sys/module/load_params/parameters/" .. name):gsub("\n$", "") end

-- Loads load_params with the parameters, and returns the value of one of them.
local function loaded_with(params, name)
	vm:insmod("load_params", params)
	local value = param(name)
	vm:rmmod("load_params")
	return value
end

test("a string of module parameters reaches the kernel", function()
	assert_eq("green", loaded_with("label=green count=7", "label"))
	assert_eq("two words", loaded_with('count=7 label="two words"', "label"))
	assert_eq("7", loaded_with("hidden=7", "hidden"))
end)

test("a Lua table of module parameters reaches the kernel in the kernel's notation", function()
	assert_eq("42", loaded_with({ count = 42 }, "count"))
	assert_eq("-5", loaded_with({ count = -10 / 2 }, "count"))
	assert_eq("N", loaded_with({ enabled = false }, "enabled"))
	assert_eq("Y", loaded_with({ enabled = true }, "enabled"))
	assert_eq("1,2,3", loaded_with({ sizes = { 1, 2.0, 3 } }, "sizes"))
	assert_eq("5", loaded_with({ hidden = 5 }, "hidden"))
end)

test("a module parameter of any string arrives whole, or is refused", function()
	local values = { "green", "two words", "", 'a"b', "a\nb", "a#b=c", "--", 'a "b" c', 'a" "b', '"x"', '"' }
	for _, value in ipairs(values) do
		assert_eq(value, loaded_with({ label = value }, "label"))
	end
	assert_error(function() vm:insmod("load_params", { label = 'a b" c' }) end,
		"insmod load_params: parameter label: the kernel cannot be given")
	assert_error(function() vm:insmod("load_params", { label = "a\0b" }) end,
		"parameter label: the value contains a NUL byte")
	assert_error(function() vm:insmod("load_params", "label=a\0b") end, "the parameters contain a NUL byte")
	assert_error(function() vm:insmod("load_params", { label = ("x"):rep(1030) }) end,
		"ENOSPC; the kernel said:\n.*label: string parameter too long")
end)

test("the error of insmod for an unknown parameter lists the module's parameters", function()
	local list = "its parameters are: count, enabled, hidden, label, refuse_after, sizes"
	for _, params in ipairs { "lable=x", { lable = "x" }, 'count=3 lable="a b"', "lable" } do
		local err = assert_error(function() vm:insmod("load_params", params) end,
			'insmod load_params: module load_params has no parameter "lable"; its parameters are: count')
		assert_contains(tostring(err), list .. '; did you mean "label"?')
	end
	assert_error(function() vm:insmod("echo", { answer = 1 }) end,
		'insmod echo: module echo has no parameter "answer"; it has no parameters')
	assert(not vm:exec("test -d /sys/module/load_params").ok)
end)

test("insmod refuses a Lua value that cannot be written as a module parameter", function()
	for value, message in pairs {
		[0.5] = "parameter count: the kernel has no fractions; got 0.5",
		[print] = "parameter count: expected a string, an integer, a boolean or a list of them, got a function",
	} do
		assert_error(function() vm:insmod("load_params", { count = value }) end, message)
	end
	assert_error(function() vm:insmod("load_params", { sizes = { "1,2", 3 } }) end,
		'parameter sizes%[1%]: "1,2" contains a comma')
	assert_error(function() vm:insmod("load_params", { sizes = { a = 1 } }) end,
		"parameter sizes: expected a list, got a table with names")
	assert_error(function() vm:insmod("load_params", { sizes = {} }) end, "parameter sizes: expected a list, got an empty table")
	assert_error(function() vm:insmod("load_params", { 1 }) end, "parameters: expected { NAME = value }, got the key 1")
	assert_error(function() vm:insmod("load_params", 1) end, "parameters: expected a string or a table, got a number")
end)

test("insmod with a parameter value that the module refuses fails with EINVAL", function()
	assert_error(function() vm:insmod("load_params", { count = "many" }) end,
		"insmod load_params: EINVAL; the kernel said:\n.*`many' invalid for parameter `count'")
end)

-- --- dependencies ---

test("insmod inserts the built modules that a module needs", function()
	vm:insmod("load_user")
	assert_eq("42\n", vm:read_file("/sys/module/load_user/parameters/answer"))
	vm:rmmod("load_user")
	vm:insmod("load-user")		-- with load_core loaded
	vm:rmmod("load_user")
	vm:rmmod("load_core")
end)

test("the error of rmmod for a module that another module uses names the other module", function()
	vm:insmod("load_user")
	assert_error(function() vm:rmmod("load_core") end, "rmmod load_core: EAGAIN: in use by module load_user; remove it first")
	vm:rmmod("load_user")
	vm:rmmod("load_core")
end)

test("the error for an unknown symbol names the built module that exports it", function()
	local data, n = host_file(built:gsub("echo.ko$", "load_user.ko")):gsub("depends=load_core%z", "depends=\0\0\0\0\0\0\0\0\0\0")
	assert_eq(1, n)
	with_file(data, ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOENT: module load_core exports load_core_answer and is not loaded; "
			.. 'insert it first: vm:insmod%("load_core"%); the kernel said:\n.*Unknown symbol load_core_answer')
	end)
end)

test("the error for an unknown symbol that no built module exports says so", function()
	local data, n = host_file(built):gsub("%f[%w_]misc_register%f[^%w_]", "misc_registeX")
	assert(n > 0, "echo.ko does not name misc_register")
	with_file(data, ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOENT: neither this kernel nor a module in .* exports misc_registeX"
			.. "; the kernel said:\n.*Unknown symbol misc_registeX")
	end)
end)

-- --- files that are no modules ---

test("insmod of a file that is no module fails with ENOEXEC and the file's kind", function()
	local data = host_file(built)
	for message, bytes in pairs {
		['the file is no ELF file: it begins with "this is no ELF f"'] = "this is no ELF file",
		["the file is empty: the build of the module did not finish"] = "",
		["the file is cut off or damaged"] = data:sub(1, #data // 2),
		["the file is cut off or damaged: "] = data:sub(1, 20),
		["it is compressed, and xz cannot unpack it: the file is damaged"] = "\xfd7zXZ\0, and nothing of it",
	} do
		with_file(bytes, ".ko", function(path)
			local err = assert_error(function() vm:insmod(path) end, "insmod /")
			assert_contains(tostring(err), message)
			if not message:find("compressed", 1, true) then assert_eq("ENOEXEC", err.errno) end
		end)
	end
end)

test("the error of insmod for another kernel's module has the releases of both kernels", function()
	-- A kernel with MODVERSIONS compares only what follows the release in
	-- the module's version string.
	local data, n = host_file(built):gsub("vermagic=%d(%S+) %u%u", "vermagic=9%1 XX")
	assert_eq(1, n)
	with_file(data, ".ko", function(path)
		local release = vm:exec("uname -r").stdout.trim()
		local err = assert_error(function() vm:insmod(path) end, "ENOEXEC: .* was built for another kernel %(9")
		assert_contains(tostring(err), ("this one is %s; build it for this kernel; the kernel said:\n"):format(release))
	end)
end)

-- --- the kernel's log in the error of insmod ---

test("a long log of a module that refuses to load is shown from its beginning", function()
	-- The first module of a VM makes the kernel say that it is tainted.
	vm:insmod("load_params")
	vm:rmmod("load_params")
	vm:exec("echo '<4>line of the call before' >/dev/kmsg")
	local err = assert_error(function() vm:insmod("load_params", { refuse_after = 200 }) end,
		"^[^\n]*insmod load_params: EDOM; the kernel said:\n[^\n]*load_params: line 1\n")
	for _, text in ipairs { "line 12\n", "(185 lines left out; vm:dmesg() has them)\n", "line 198\n", "line 200" } do
		assert_contains(tostring(err), text)
	end
	assert(not tostring(err):find("line of the call before", 1, true), err)
	assert(not tostring(err):find("line 13\n", 1, true), err)
end)

test("insmod without privilege fails with EPERM", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_error(function() vm:insmod("echo") end, "insmod echo: EPERM")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited")
	assert_eq(false, is_loaded())
end)
