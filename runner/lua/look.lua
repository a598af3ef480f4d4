-- SPDX-License-Identifier: GPL-2.0-only
-- Which command of gdb shows where the kernel was when a test failed.

local core = require "provium.core"
local errors = require "provium.errors"
local session = require "provium.session"

local look = {}

-- The kinds of complaints (complaint/kinds.def) at which the command
-- `complaint` stops: the kernel calls one of its PLACES.
local STOPS = {}
for kind in ("alloc atomic bug kasan kfence kobject list lock lockdep odebug oops panic rcu refcount slab " ..
		"sysfs ubsan usercopy warning"):gmatch("%a+") do
	STOPS[kind] = true
end

local function has_vmlinux(vm)
	local debug = vm and vm.core:info().debug
	return debug and core.realpath(debug .. "/vmlinux") ~= nil
end

-- Returns "complaint", for a run that goes up to the complaint again; "stacks",
-- for the guest as the failed test has left it; or nil. caught: the error of
-- the test, or nil.
function look.command(caught, complaints)
	local vm = session.vms[#session.vms]
	local has_timed_out = caught and errors.kind_of(caught.value) == errors.KIND.timeout
	-- A state that lasts is still there when the test has failed.
	local lasts, stops, has_oops = has_timed_out, false, false
	for _, complaint in ipairs(complaints) do
		vm, lasts, stops = complaint.vm, lasts or complaint.lasts, stops or STOPS[complaint.kind]
		has_oops = has_oops or complaint.kind == "oops"
	end
	if session.recordings or not has_vmlinux(vm) then return nil end
	-- A task that has died by an oops holds its locks for good.
	return (has_oops or stops and not lasts) and "complaint" or lasts and "stacks" or nil
end

return look
