-- SPDX-License-Identifier: GPL-2.0-only
-- The manual pages, which mk/man.awk makes from the commands' --help and
-- from docs/api.md.

local kit = require "kit"
local runner = require "runner"

local AWK = ("cd %s && awk -v date=2026-01-31 "):format(runner.quote(kit.root))
local PAGES = {
	["provium.1"] = AWK .. ("-v runner=%s -f mk/man.awk </dev/null"):format(runner.quote(runner.path)),
	["provium-test.5"] = AWK .. "-f mk/man.awk docs/api.md",
}

-- Each page's text as roff(7).
local page = {}
for name, command in pairs(PAGES) do page[name] = runner.shell(command .. " 2>&1") end

-- Returns the words that a page shows, with one blank between them.
local function shown(name)
	local text = "\n" .. page[name] .. "\n"
	text = text:gsub("\n%.[BI]R? ", "\n\\&"):gsub("\n%.S[SH] ", "\n\\&"):gsub("\n%.[^\n]*", "")
	text = text:gsub("\nT}\t?T?{?", "\n"):gsub("\nT{", "\n")
	text = text:gsub("\\f%u", ""):gsub("\\&", ""):gsub("\\%-", "-"):gsub("\\%(dq", '"'):gsub("\\e", "\\")
	return (text:gsub("%s+", " "))
end

local function in_one_line(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

for name in pairs(PAGES) do
	test(("mandoc and man find no fault in the manual page %s"):format(name), function()
		local path <close> = setmetatable({ os.tmpname() }, { __close = function(file) os.remove(file[1]) end })
		runner.write(path[1], page[name] .. "\n")
		local checks = {
			mandoc = "mandoc -Tlint -Wstyle %s 2>&1",
			man = "LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z %s 2>&1 >/dev/null",
		}
		local nr_checks = 0
		for program, command in pairs(checks) do
			if runner.shell("command -v " .. program) ~= "" then
				assert_eq("", runner.shell(command:format(path[1])))
				nr_checks = nr_checks + 1
			end
		end
		if nr_checks == 0 then skip "needs mandoc or man (make deps-dev)" end
	end)
end

test("the manual page provium(1) has every word of the help of each command", function()
	local text = shown "provium.1"
	local nr = 0
	for command in runner.run({ "--help" }).said:gmatch("\n  (%l[%l-]+) ") do
		local help = runner.run({ command, "--help" }, { raw = true }).said
		help = help:gsub("^usage: ", ""):gsub("\n   or: ", "\n"):gsub("`", "")
		assert_contains(text, in_one_line(("provium %s\n%s"):format(command, help)))
		nr = nr + 1
	end
	assert(nr > 15, nr)
end)

test("the manual page provium-test(5) has every heading and paragraph of docs/api.md", function()
	local text = shown "provium-test.5"
	local source = runner.read(kit.root .. "/docs/api.md")
	local nr = 0
	for heading in source:gmatch("\n### ([^\n]*)") do
		assert_contains(text, in_one_line((heading:gsub("`", ""))))
		nr = nr + 1
	end
	assert(nr > 50, nr)
	for paragraph in (source .. "\n"):gsub("\n%- ", "\n\n"):gmatch("%f[^\n](%u.-)\n\n") do
		paragraph = paragraph:gsub("%[([^]]*)%]%([^)]*%)", "%1"):gsub("`", "")
		assert_contains(text, in_one_line((paragraph:gsub("…", "..."))))
	end
end)
