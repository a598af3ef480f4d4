-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that log and print far more than a report shows.

test("logs many lines", function()
	for i = 1, tonumber(os.getenv("LINES")) do log("line " .. i) end
	assert(false, "look at the log")
end)

test("logs one long line", function()
	log(("\u{f1}"):rep(500):rep(100000))
	assert(false, "look at the log")
end)

test("logs long lines", function()
	for i = 1, 300 do log(i, ("x"):rep(1000)) end
	assert(false, "look at the log")
end)

for i = 1, 20000 do print("printed line " .. i) end
