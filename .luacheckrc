-- SPDX-License-Identifier: GPL-2.0-only
-- For "make lint". provium and the test functions are globals of every test file.

std = "lua54"
max_line_length = false		-- mk/lint.awk checks the length of lines
unused_args = false
ignore = { "212", "311", "431", "432" }	-- unused arguments, overwritten values, shadowed names

local api = {
	"test", "skip", "todo", "log", "wait_until",
	"assert_eq", "assert_ne", "assert_contains", "assert_errno", "assert_error",
}

files["runner/lua"] = { globals = { "assert", "provium", (table.unpack or unpack)(api) } }
files["tests"] = { globals = { "provium" }, read_globals = api }
files["mk"] = { globals = { "provium" }, read_globals = api }
exclude_files = { "tests/harness/_canned", "out" }
