-- SPDX-License-Identifier: GPL-2.0-only
-- vm.kacs: how the rows of kacs.def turn Lua arguments into calls, and results
-- into Lua values.

local C = provium.const
local kacs = require "kacs"
local pack = provium.pack

local vm, test = kacs.boot()

test("a VM has a field for each module with system calls, and none for others", function()
	assert(vm.kacs)
	assert_eq(nil, vm.echo)
	assert_eq(nil, vm.nonesuch)
end)

test("the error for an unknown call of a module lists the module's calls", function()
	assert_error(function() return vm.kacs.opn_self_token end,
		'kacs has no system call "opn_self_token"; its calls are: open_self_token, open_process_token, create_token')
end)

test("a module's call can be given by name in place of its number", function()
	local fd = vm:syscall("kacs_open_self_token", 0, 8)
	assert_eq(kacs.SYSTEM, kacs.user_of(vm, fd))
	kacs.close(vm, fd)
	assert(vm:syscall_buf("kacs_create_token", 0, kacs.spec(1), 0, 8) >= 3)
	assert_error(function() vm:syscall("kacs_frobnicate_all") end, 'there is no system call "kacs_frobnicate_all"')
end)

test("an integer that the argument's type cannot hold is refused", function()
	assert_error(function() vm.kacs:open_self_token(0, 1 << 32) end, "kacs:open_self_token: access: expected a u32, got 4294967296")
	assert_error(function() vm.kacs:open_self_token(-1, 0) end, "flags: expected flags")
	assert_error(function() vm.kacs:install_token(1 << 31) end, "fd: expected a fd")
	assert_error(function() vm.kacs:install_token("3") end, "fd: expected a fd, got 3")
	assert_error(function() vm.kacs:install_token(3.5) end, "got 3.5")
end)

test("too many or too few arguments are refused", function()
	assert_error(function() vm.kacs:install_token(3, 4) end, "kacs:install_token: 2 arguments; it takes 1")
	assert_error(function() vm.kacs:install_token() end, "kacs:install_token: fd: expected a fd, got nil")
end)

test("the flags argument at the end of a call can be left out", function()
	assert_errno("ENODATA", (vm.kacs:get_sd(C.AT_FDCWD, "/", kacs.ALL, 0)))
	assert_errno("ENODATA", (vm.kacs:get_sd(C.AT_FDCWD, "/", kacs.ALL, 0, 0)))
end)

test("a string argument gets a terminating zero; one that contains a zero is refused", function()
	assert_errno("ENOENT", (vm.kacs:get_sd(C.AT_FDCWD, "/non", kacs.ALL, 0)))
	assert_error(function() vm.kacs:get_sd(C.AT_FDCWD, "/\0", kacs.ALL, 0) end, "path: a string must not contain a NUL byte")
end)

test("an input buffer is given as a string, and an output buffer as its length", function()
	vm:write_file("/tmp/f", "")
	local sd = kacs.sd { owner = kacs.SYSTEM }
	local set, nothing = vm.kacs:set_sd(C.AT_FDCWD, "/tmp/f", kacs.OWNER, sd)
	assert_eq({ 0 }, { set, nothing })
	assert_eq({ #sd, sd .. "\0\0" }, { vm.kacs:get_sd(C.AT_FDCWD, "/tmp/f", kacs.OWNER, #sd + 2) })
	assert_error(function() vm.kacs:get_sd(C.AT_FDCWD, "/tmp/f", kacs.OWNER, -1) end, "buf: expected the buffer's length")
	assert_error(function() vm.kacs:create_token(8) end, "kacs:create_token: spec: data: expected a string, got number")
end)

test("a struct argument is given as bytes, or as bytes with pointers", function()
	assert_errno("EFAULT", (vm.kacs:access_check(pack("u32 i32 u64 u32 u32", 24, -1, 8, 20, 1))))
	assert_eq(1, (vm.kacs:access_check(kacs.check_args(-1, kacs.sd {}, 1))))
	assert_errno("EFAULT", (vm.kacs:access_check("short")))
end)

test("a call returns its struct, then the sub-buffers with output = true", function()
	local args = kacs.check_args(-1, kacs.sd {}, 1)
	args[2].output = true
	local ret, after, sd = vm.kacs:access_check(args)
	assert_eq(1, ret)
	assert_eq(24, #after)
	assert_eq(kacs.sd {}, sd)
end)

test("a module's call on a worker is made by that worker", function()
	local w = vm:spawn { uid = 1000 }
	assert_errno("EPERM", (w.kacs:create_token(kacs.spec(1))))
	assert_eq(3, w.kacs:open_self_token(0, 0) and 3)
	w:kill()
end)

test("a module's calls can be made with async and in a batch", function()
	local w = vm:spawn()
	local call = w.kacs:async("open_self_token", 0, 8)
	assert(call:wait() >= 3)
	local results = vm:batch(function(b)
		b:module_call("kacs", "open_self_token", 1, 0)
		b:module_call("kacs", "create_token", "")
		b:syscall("kacs_install_token", -1)
	end)
	assert_eq({ { -22 }, { -22 }, { -9 } }, results)
	w:kill()
end)

test("two module calls in a race each get their own result", function()
	local a, b = vm:spawn { uid = 1000 }, vm:spawn()
	local rounds = provium.race({ a, "module_call", "kacs", "create_token", kacs.spec(1) },
		{ b, "module_call", "kacs", "create_token", "" }, { rounds = 100 })
	assert_eq(100, #rounds)
	for _, round in ipairs(rounds) do
		assert_errno("EPERM", round[1][1])
		assert_errno("EINVAL", round[2][1])
	end
	a:kill()
	b:kill()
end)
