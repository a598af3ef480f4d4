-- SPDX-License-Identifier: GPL-2.0-only
-- insmod and rmmod: what they do, and the error for each way in which they can
-- fail.

local echo = require "echo_device"

local vm = provium.create():boot()

local built = vm.core:info().modules .. "/echo.ko"

local function host_file(path)
	local file = assert(io.open(path, "rb"))
	local data = file:read("a")
	file:close()
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
		local err = assert_error(function() vm:insmod("echo") end, "insmod echo: EEXIST")
		assert_eq("EEXIST", err.errno)
	end)
end)

test("rmmod unloads the module, and its device goes", function()
	vm:insmod("echo")
	vm:rmmod("echo")
	assert_eq(false, is_loaded())
	assert(not vm:exec("test -e /dev/echo").ok)
end)

test("rmmod of a module that is not loaded fails with ENOENT", function()
	assert_error(function() vm:rmmod("echo") end, "rmmod echo: ENOENT")
end)

test("rmmod of a module in use fails with EAGAIN, and the module works on", function()
	vm:insmod("echo")
	local fd = echo.open(vm)
	assert_error(function() vm:rmmod("echo") end, "rmmod echo: EAGAIN")
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

test("module parameters as a string reach the kernel", function()
	vm:insmod("echo", "colour=green")
	assert_contains(vm:dmesg("echo"), "unknown parameter 'colour' ignored")
	vm:rmmod("echo")
end)

test("module parameters as a table reach the kernel: numbers, booleans, words with blanks", function()
	vm:insmod("echo", { answer = 42, brave = true, cry = "two words" })
	local said = vm:dmesg("unknown parameter")
	for _, name in ipairs { "answer", "brave", "cry" } do
		assert_contains(said, ("unknown parameter '%s' ignored"):format(name))
	end
	vm:rmmod("echo")
end)

test("insmod by an unknown name is refused with the file that it looked for", function()
	assert_error(function() vm:insmod("nonesuch") end, "insmod nonesuch: .*/nonesuch.ko: No such file or directory")
end)

test("insmod by the path of no file is refused", function()
	assert_error(function() vm:insmod("/no/such.ko") end, "insmod /no/such.ko: .*No such file or directory")
end)

test("insmod of a file that is no ELF file fails with ENOEXEC", function()
	with_file("this is no ELF file", ".ko", function(path)
		local err = assert_error(function() vm:insmod(path) end, "ENOEXEC")
		assert_eq("ENOEXEC", err.errno)
	end)
end)

test("insmod of a truncated module fails with ENOEXEC", function()
	local data = host_file(built)
	with_file(data:sub(1, #data // 2), ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOEXEC")
	end)
end)

test("insmod of a module for another kernel fails with the kernel's log line", function()
	local data, n = host_file(built):gsub("vermagic=%d", "vermagic=9")
	assert_eq(1, n)
	with_file(data, ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOEXEC; the kernel said:\n.*version magic '9.*should be")
	end)
end)

test("insmod of a module with an unknown symbol fails with the symbol's name", function()
	local data, n = host_file(built):gsub("%f[%w_]misc_register%f[^%w_]", "misc_registeX")
	assert(n > 0, "echo.ko does not name misc_register")
	with_file(data, ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOENT; the kernel said:\n.*Unknown symbol misc_registeX")
	end)
end)

test("insmod of an empty file fails with ENOEXEC", function()
	with_file("", ".ko", function(path)
		assert_error(function() vm:insmod(path) end, "ENOEXEC")
	end)
end)

test("insmod without privilege fails with EPERM", function()
	assert_eq(0, vm:syscall("setresuid", 1000, 1000, 1000))
	assert_error(function() vm:insmod("echo") end, "insmod echo: EPERM")
	assert_error(function() vm:syscall("exit_group", 0) end, "exited")
	assert_eq(false, is_loaded())
end)
