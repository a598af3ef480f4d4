-- SPDX-License-Identifier: GPL-2.0-only
-- A profile that there is not.

test("boots", function() provium.create("nonesuch"):boot() end)
