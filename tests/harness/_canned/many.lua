-- SPDX-License-Identifier: GPL-2.0-only
for i = 1, tonumber(os.getenv("TESTS")) do test("test " .. i, function() assert(true) end) end
