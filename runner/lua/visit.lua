-- SPDX-License-Identifier: GPL-2.0-only
-- provium shell --attach on the VM of a test that runs.

local core = require "provium.core"
local session = require "provium.session"
local show = require "provium.show"

local visit = {}

-- Tells what runs. To be called when a test begins, and with each VM that has
-- booted or was resumed. A recording would not have the keys of a visitor.
function visit.update()
	if session.recordings or #session.vms == 0 then return end
	local vms = {}
	for number, vm in ipairs(session.vms) do vms[number] = vm.core end
	core.visit(session.short_path(session.path), session.test and show.clean(session.test.name) or "", vms)
end

-- To be called at the end of the test t.
function visit.finish(t)
	for _, number in ipairs(core.visited()) do
		table.insert(session.notes, ("a shell was open in VM %d during the test %q (provium shell --attach)")
			:format(number, show.clean(t.name)))
	end
end

return visit
