-- SPDX-License-Identifier: GPL-2.0-only
-- Reads the kit's documentation.

local core = require "provium.core"

local documents = {}

-- Relative to the kit's folder: in a checkout, and installed (mk/install.mk).
local FOLDERS = { "docs", "../../share/doc/provium/docs" }

local function open(name)
	local _, _, kit = core.home()
	for _, folder in ipairs(FOLDERS) do
		local file = io.open(("%s/%s/%s"):format(kit, folder, name))
		if file then return file end
	end
	error(("there is no docs/%s of this kit: looked in %s/docs"):format(name, kit), 0)
end

-- Returns the sections of docs/NAME in their order: { heading, chapter = the
-- heading above it, lines = its lines }. A section has a heading of two or
-- three "#".
function documents.sections(name)
	local file <close> = open(name)
	local list, chapter = {}, nil
	for line in file:lines() do
		local level, heading = line:match("^##(#?) (.*)")
		if heading then
			if level == "" then chapter = heading end
			list[#list + 1] = { heading = heading, chapter = chapter, lines = {} }
		elseif #list > 0 then
			table.insert(list[#list].lines, line)
		end
	end
	return list
end

-- Returns the text of a section, with its heading, for a terminal.
function documents.text(section)
	local heading = section.heading:gsub("`", "")
	return ((heading .. "\n" .. table.concat(section.lines, "\n")):gsub("\n+$", ""))
end

return documents
