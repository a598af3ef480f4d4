-- SPDX-License-Identifier: GPL-2.0-only
-- A file that calls os.exit() before it has a verdict.

test("before", function() assert(true) end)
os.exit(0)
