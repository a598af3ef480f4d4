-- SPDX-License-Identifier: GPL-2.0-only
-- Lines of the source of the module `faults`, which reports of its faults name.

local runner = require "runner"

local faults_source = {}

-- Returns the number of the first line of modules/faults/faults.c that has the
-- text; fn: only from the start of that function on.
function faults_source.line_of(text, fn)
	local n, inside = 0, not fn
	for line in io.lines(runner.home .. "/../modules/faults/faults.c") do
		n = n + 1
		inside = inside or line:find("^static.*%f[%w_]" .. fn .. "%(") ~= nil
		if inside and line:find(text, 1, true) then return n end
	end
	error("faults.c has no line " .. text)
end

-- The same as "modules/faults/faults.c:N".
function faults_source.place_of(text, fn)
	return ("modules/faults/faults.c:%d"):format(faults_source.line_of(text, fn))
end

return faults_source
