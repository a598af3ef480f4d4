-- SPDX-License-Identifier: GPL-2.0-only
-- Uses a helper of its own and a data file.

local helper = require "helper"
local data = dofile(helper.data)
test("what they say", function() assert_eq(42, data) end)
