-- SPDX-License-Identifier: GPL-2.0-only
-- Calls that time out while the guest sends their output: the VM answers later
-- calls.

provium.timeout = "5m"

local vm = provium.create():boot { memory = "512M" }

local ROUNDS = 12
local LARGE = "/tmp/large"

vm:exec(("dd if=/dev/zero of=%s bs=1M count=100 2>/dev/null"):format(LARGE))

-- Makes the call with a time limit that it cannot meet. Afterwards the VM must
-- answer.
local function time_out(method, ...)
	vm.timeout = 0.001
	local ok, err = pcall(vm[method], vm, ...)
	vm.timeout = 60
	assert(not ok, method .. " ended within its time limit")
	assert_contains(tostring(err), "no result within")
	assert(vm:syscall("getpid") > 1)
	assert_eq("x\n", vm:exec("echo x").stdout)
end

test(("a VM answers after each of %d reads of 100 MB that timed out"):format(ROUNDS), function()
	for _ = 1, ROUNDS do time_out("read_file", LARGE) end
end)

test(("a VM answers after each of %d commands that timed out while they wrote"):format(ROUNDS), function()
	for _ = 1, ROUNDS do time_out("exec", "cat " .. LARGE) end
end)

test("the kernel log can be read after a call that was sending its output was aborted", function()
	time_out("read_file", LARGE)
	assert(#vm:dmesg() > 0)
end)
