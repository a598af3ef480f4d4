-- SPDX-License-Identifier: GPL-2.0-only
-- provium make-matrix: the table of a run of make test on several kernels. Each
-- kernel is a column; its results are in FOLDER/KERNEL/results.jsonl.

local core = require "provium.core"
local options = require "provium.options"
local read = require "provium.read_file"

local command = {}

local STATUS = { ok = 0, FAIL = 1, ["not built"] = 2, BROKEN = 3 }

-- Returns { files = { file = { verdict = number of tests } }, tests = { file =
-- { name = verdict } }, verdict } of a kernel.
local function load_column(path)
	local column = { files = {}, tests = {}, verdict = "not built" }
	for line in (read(path) or ""):gmatch("[^\n]+") do
		local event = core.json(line)
		local file = event.file
		if event.event == "start" then
			column.files[file], column.tests[file] = {}, {}
		elseif event.event == "test" then
			local counts = column.files[file]
			counts[event.verdict] = (counts[event.verdict] or 0) + 1
			column.tests[file][event.name] = event.verdict
		elseif event.event == "end" then
			column.files[file].verdict = event.verdict
		elseif event.event == "summary" then
			column.verdict = event.verdict
		end
	end
	return column
end

-- Returns the text of a cell: "ok 3", "FAIL 1 of 3", "skip 3", "-".
local function cell(column, file)
	local counts = column.files[file]
	if not counts then return "-" end
	local passed, failed = counts.ok or 0, (counts.FAIL or 0) + (counts.BROKEN or 0)
	local left_out = (counts.skip or 0) + (counts.todo or 0)
	if counts.verdict ~= "ok" then
		local all = passed + failed + left_out
		return failed == 0 and counts.verdict or ("%s %d of %d"):format(counts.verdict, failed, all)
	end
	if passed == 0 then return ("skip %d"):format(left_out) end
	return ("ok %d"):format(passed) .. (left_out > 0 and (", skip %d"):format(left_out) or "")
end

-- Returns the keys of all columns' tables, sorted.
local function union(columns, field)
	local all = {}
	for _, column in ipairs(columns) do
		for key in pairs(column[field]) do all[key] = true end
	end
	return options.keys(all)
end

-- Returns the files without the folder that is common to all of them.
local function short_names(files)
	local common = files[1] and files[1]:match("^(.*/)") or ""
	for _, file in ipairs(files) do
		while file:sub(1, #common) ~= common do common = common:match("^(.*/)[^/]*/$") or "" end
	end
	local names = {}
	for _, file in ipairs(files) do names[file] = file:sub(#common + 1) end
	return names
end

-- Returns the rows as text, with aligned columns.
local function align(rows)
	local widths, lines = {}, {}
	for _, row in ipairs(rows) do
		for i, text in ipairs(row) do widths[i] = math.max(widths[i] or 0, utf8.len(text) or #text) end
	end
	for _, row in ipairs(rows) do
		local words = {}
		for i, text in ipairs(row) do words[i] = text .. (" "):rep(widths[i] - (utf8.len(text) or #text)) end
		lines[#lines + 1] = (table.concat(words, "  "):gsub(" +$", ""))
	end
	return lines
end

local function table_of(columns, files, names)
	local rows = { { "" } }
	for _, column in ipairs(columns) do table.insert(rows[1], column.name) end
	for _, file in ipairs(files) do
		local row = { names[file] }
		for _, column in ipairs(columns) do row[#row + 1] = cell(column, file) end
		rows[#rows + 1] = row
	end
	local last = { "" }
	for _, column in ipairs(columns) do last[#last + 1] = column.verdict end
	rows[#rows + 1] = last
	return align(rows)
end

-- Returns the names of the kernels on which the test passes, and of those on
-- which it fails.
local function outcome(columns, file, title)
	local passed, failed = {}, {}
	for _, column in ipairs(columns) do
		local verdict = (column.tests[file] or {})[title]
		if verdict == "ok" then passed[#passed + 1] = column.name end
		if verdict == "FAIL" or verdict == "BROKEN" then failed[#failed + 1] = column.name end
	end
	return passed, failed
end

-- Adds a line for each test that fails on some of the kernels and passes on
-- others.
local function add_differences(lines, columns, files, names)
	for _, file in ipairs(files) do
		local titles = {}
		for _, column in ipairs(columns) do
			for title in pairs(column.tests[file] or {}) do titles[title] = true end
		end
		for _, title in ipairs(options.keys(titles)) do
			local passed, failed = outcome(columns, file, title)
			if #passed > 0 and #failed > 0 then
				lines[#lines + 1] = ("differs: %s: %s: fails on %s, passes on %s"):format(names[file], title,
					table.concat(failed, ", "), table.concat(passed, ", "))
			end
		end
	end
end

function command.run(folder, ...)
	local columns, status = {}, 0
	for _, name in ipairs { ... } do
		local column = load_column(("%s/%s/results.jsonl"):format(folder, name))
		column.name = name
		columns[#columns + 1] = column
		status = math.max(status, STATUS[column.verdict] or STATUS.BROKEN)
	end
	local files = union(columns, "files")
	local names = short_names(files)
	local lines = table_of(columns, files, names)
	add_differences(lines, columns, files, names)
	local text = table.concat(lines, "\n") .. "\n"
	io.write(text)
	assert(core.write(folder .. "/matrix.txt", text))
	return status
end

return command
