-- SPDX-License-Identifier: GPL-2.0-only
-- A profile that does not exist.

test("boots", function() provium.create("nonesuch"):boot() end)
