-- SPDX-License-Identifier: GPL-2.0-only
-- What a user has seen on a terminal, from the bytes that it got.

local screen = {}

-- Returns the lines that are on the screen at the end, and a list of all texts
-- that stood in a line and were removed or overwritten. Knows \r, \n, ESC [ J
-- and ESC [ A.
function screen.lines(bytes)
	local rows, row, column, gone = { {} }, 1, 1, {}
	local function text(r) return (table.concat(rows[r])) end
	local at = 1
	while at <= #bytes do
		local char = bytes:match("^" .. utf8.charpattern, at)
		if bytes:find("^\27%[[JA]", at) then
			if bytes:sub(at + 2, at + 2) == "A" then
				row = row - 1
			else
				assert_eq(1, column, "removed from the middle of a line")
				for r = row, #rows do
					if text(r) ~= "" then gone[#gone + 1] = text(r) end
					rows[r] = {}
				end
			end
			at = at + 3
		else
			if char == "\r" then column = 1
			elseif char == "\n" then
				row = row + 1
				rows[row] = rows[row] or {}
			else
				rows[row][column] = char
				column = column + 1
			end
			at = at + #char
		end
	end
	local lines = {}
	for r in ipairs(rows) do lines[r] = text(r) end
	return lines, gone
end

return screen
