-- SPDX-License-Identifier: GPL-2.0-only
-- Makes clones and closes none: for kit/bad_input.lua.

test("keeps its clones", function()
	for _ = 1, tonumber(os.getenv "CLONES") do provium.fixture(provium.profile) end
end)
