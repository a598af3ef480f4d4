-- SPDX-License-Identifier: GPL-2.0-only
-- The file ends, but what it leaves behind cannot be released.

setmetatable({}, { __gc = function() while true do end end })

test("passes", function() assert(true) end)
