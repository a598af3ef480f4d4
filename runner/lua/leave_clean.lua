-- SPDX-License-Identifier: GPL-2.0-only
-- The option leave_clean of a test: its end closes descriptors and removes
-- modules, so that bugs in release(), in exit functions and in timers show
-- before the kernel log is searched.

local core = require "provium.core"
local module_file = require "provium.module_file"
local session = require "provium.session"

local CALL_TIMEOUT_S = 10
local FIRST_FD, LAST_FD = 3, 999	-- a test's descriptors; the agent's begin at 1000 (agent/shared/high_fd.h)
local SETTLE_S = 0.4			-- time for timers and work items that a removed module has left

-- Returns the names of the loaded modules to remove: those that the test has
-- inserted, and in a clone of its own also those of its fixture. A module that
-- uses another one comes before that.
local function modules_to_remove(vm, is_own)
	local wanted, list = {}, {}
	for name in pairs(is_own and vm.inserted or vm.inserted_by_test) do wanted[name] = true end
	for _, file in ipairs(is_own and core.list(vm.core:info().modules or "") or {}) do
		wanted[module_file.name_of(file)] = true
	end
	-- The kernel lists the newest module first.
	for name in vm:read_file("/proc/modules"):gmatch("([^ \n]+)[^\n]*\n") do
		if wanted[name] then list[#list + 1] = name end
	end
	return list
end

local function leave_vm(vm, is_own)
	for _, worker in ipairs(vm.workers) do worker:kill() end
	vm:syscall("close_range", FIRST_FD, LAST_FD, 0)
	for _, name in ipairs(modules_to_remove(vm, is_own)) do vm:rmmod(name) end
end

-- Cleans the VMs that the test has used. Returns nothing, or what could not be
-- cleaned.
return function(t)
	local problem
	for number, vm in ipairs(session.vms) do
		if vm.used_by == t and vm:is_running() then
			local timeout_s = vm.timeout
			vm.timeout = CALL_TIMEOUT_S
			local ok, err = pcall(leave_vm, vm, vm == t.vm)
			vm.timeout = timeout_s
			if not ok then problem = problem or ("leave_clean: VM %d: %s"):format(number, tostring(err)) end
		end
	end
	core.pause(SETTLE_S)
	return problem
end
