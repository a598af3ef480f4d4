-- SPDX-License-Identifier: GPL-2.0-only
-- with_workers(vm, kinds, fn): calls fn with a new worker for each table of
-- spawn() options. The workers are killed when fn returns or raises.

return function(vm, kinds, fn)
	local workers = {}
	for i, opts in ipairs(kinds) do workers[i] = vm:spawn(opts) end
	local ok, err = xpcall(fn, function(e) return e end, table.unpack(workers))
	for _, worker in ipairs(workers) do worker:kill() end
	if not ok then error(err, 0) end
end
