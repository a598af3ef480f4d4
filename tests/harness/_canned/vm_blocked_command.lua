-- SPDX-License-Identifier: GPL-2.0-only
-- A command that is blocked for good.

local vm = provium.create():boot { memory = "128M" }

test("a command", function() assert(vm:exec("mkfifo /tmp/fifo; cat /tmp/fifo").ok) end)
