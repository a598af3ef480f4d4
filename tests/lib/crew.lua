-- SPDX-License-Identifier: GPL-2.0-only
-- Workers for the time of a function.

local crew = {}

-- fn gets a worker for each table of spawn() options; they are gone after it, whatever happens.
function crew.with(vm, kinds, fn)
	local list = {}
	for i, opts in ipairs(kinds) do list[i] = vm:spawn(opts) end
	local ok, err = xpcall(fn, function(e) return e end, table.unpack(list))
	for _, w in ipairs(list) do w:kill() end
	if not ok then error(err, 0) end
end

return crew
