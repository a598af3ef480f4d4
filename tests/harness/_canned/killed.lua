-- SPDX-License-Identifier: GPL-2.0-only
-- A test during which the file's process is killed.

test("before", function() assert(true) end)
test("is killed", function() os.execute("kill -9 $PPID") end)
test("not reached", function() assert(true) end)
