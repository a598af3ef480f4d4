-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --on-failure=keep: the VM of the file's first failed test stays
-- as the test has left it. The process that ran the file becomes the VM's
-- keeper: it holds the VM until the user ends it (runner/attach/keeper.h).

local core = require "provium.core"
local gdb = require "provium.gdb"
local options = require "provium.options"
local session = require "provium.session"
local show = require "provium.show"
local test_log = require "provium.test_log"

local keep = {}

local DEFAULT_TIME = "24h"

local kept	-- { vm =, description = }, or nil

-- Returns for how many seconds a VM is kept.
local function seconds() return options.seconds(os.getenv("PROVIUM_KEEP") or DEFAULT_TIME, "PROVIUM_KEEP") end

-- Keeps the VM of the failed test t, which is the number-th of the file.
-- Returns true if no other test of the file can use it.
function keep.keep(t, vm, number)
	if kept then return true end
	local now, description = os.time(), gdb.facts_of(vm)
	local is_own, is_alive = vm == t.vm or vm.made_by == t, vm:is_running()
	local ok, time = pcall(seconds)
	local id, why = nil, time
	if ok then id, why = vm.core:keep() end
	if not id then
		test_log.add(t.log, ("the VM cannot be kept: %s"):format(why))
		return true
	end
	description.id, description.vm = id, number
	description.test, description.file = show.clean(t.name), show.clean(session.short_path(session.path))
	description.since, description.ends = now, now + math.floor(time)
	kept, vm.is_kept = { vm = vm, description = description }, true
	t.keeper, t.keeper_shows = id, is_alive and "shell" or "gdb"
	if not is_own then test_log.add(t.log, "the tests after this one do not run, because its VM is kept") end
	return is_own
end

-- To be called at the file's end, before its record is sent. Returns a function
-- that serves the kept VM until that is ended; nil if no VM is kept.
function keep.detach()
	if not kept then return nil end
	session.kill_vms()
	core.alarm(0)
	core.detach(("(kept) %s: %s"):format(kept.description.file, kept.description.test))
	return function() kept.vm.core:serve(core.to_json(kept.description), seconds()) end
end

return keep
