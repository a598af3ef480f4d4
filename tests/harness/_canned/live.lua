-- SPDX-License-Identifier: GPL-2.0-only
-- Two tests; the second one takes some seconds, and prints meanwhile.

local core = require "provium.core"

test("at once", function() assert(true) end)
test("prints and waits, with a title that is much wider than a window of forty columns, até 日本", function()
	print("printed before")
	core.pause(1.2)
	io.write("a line ")
	io.flush()
	core.pause(0.3)
	print("in two parts")
	io.stderr:write("on stderr\n")
	core.pause(0.8)
	assert(true)
end)
