-- SPDX-License-Identifier: GPL-2.0-only
-- A test that passes, one that fails, and one whose call never returns.

local vm = provium.create():boot { memory = "128M" }
vm.timeout = 300

local function empty_pipe()
	local ret, fds = vm:syscall("pipe2", provium.out(8), 0)
	assert_eq(0, ret)
	return (provium.unpack("i32", fds))
end

test("passes", function() assert(vm:exec("true").ok) end)
test("fails", function() assert_eq(1, 2) end)
test("reads an empty pipe", function()
	vm:syscall("read", empty_pipe(), provium.out(1), 1)
end)
