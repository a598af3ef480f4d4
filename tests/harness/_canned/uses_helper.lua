-- SPDX-License-Identifier: GPL-2.0-only
-- Uses a helper and a data file of the suite.

local helper = require "helper"
local data = dofile(helper.data)
test("the data file is found", function() assert_eq(42, data) end)
