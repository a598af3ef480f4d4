-- Tests with the results of other programs.
local ktap = require "provium.ktap"
local results = require "provium.results"

local function take(output, code) return results.take("demo", results.read(ktap.new(), output, { exit_code = code })) end

test("all pass", function() take("1..2\nok 1 first\nok 2 second # SKIP no device\n", 0) end)
test("one fails", function()
	take("KTAP version 1\n1..2\n  1..2\n  # expected 1\n  # got 2\n  not ok 1 inner\n  ok 2 other\n" ..
		"not ok 1 outer\nok 2 last\n", 1)
end)
test("skipped as a whole", function() take("1..0 # SKIP no hardware\n", 0) end)
