-- SPDX-License-Identifier: GPL-2.0-only
-- Finds the known name that resembles an unknown one most, for an error
-- message.

-- Returns how many letters must be added, removed or replaced to get from a to
-- b.
local function distance(a, b)
	local row = {}
	for j = 0, #b do row[j] = j end
	for i = 1, #a do
		local diagonal = row[0]
		row[0] = i
		for j = 1, #b do
			local same = a:byte(i) == b:byte(j) and 0 or 1
			diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + same)
		end
	end
	return row[#b]
end

-- Returns '; did you mean "NAME"?' with the nearest string key of the table
-- known, or "" if none is near. Of two equally near keys, the first in the
-- alphabet is used.
return function(name, known)
	local best, least = nil, math.max(2, #name // 3) + 1
	for key in pairs(known) do
		local d = type(key) == "string" and distance(name, key) or math.huge
		if d < least or d == least and best and key < best then best, least = key, d end
	end
	return best and ("; did you mean \"%s\"?"):format(best) or ""
end
