-- SPDX-License-Identifier: GPL-2.0-only
-- provium explain: what docs/words.md says about a word of a report.

local core = require "provium.core"
local documents = require "provium.documents"
local errors = require "provium.errors"
local suggest = require "provium.suggest"

local explain = {}

-- Calls fn(word, section) for each word that has a section.
local function each_word(fn)
	for _, section in ipairs(documents.sections("words.md")) do
		for word in section.heading:gmatch("`([^`]*)`") do fn(word, section) end
	end
end

-- Returns the words, in the order of the document.
function explain.words()
	local list, has = {}, {}
	each_word(function(word)
		if not has[word] then list[#list + 1], has[word] = word, true end
	end)
	return list
end

-- Returns the sections about a word; upper and lower case are the same.
function explain.sections(word)
	local list = {}
	each_word(function(its_word, section)
		if its_word:lower() == word:lower() then list[#list + 1] = section end
	end)
	return list
end

-- Returns the kind of the complaint that begins with this line, or has this
-- title: "KASAN: slab-use-after-free in ring_read". Any text after "BUG: " is
-- a complaint, so that kind is no answer for a title.
local function kind_of(line)
	for _, start in ipairs { "", "BUG: ", "WARNING: ", "INFO: " } do
		local found = core.complaints({ start .. line }, 1)[1]
		if found and (start == "" or found.kind ~= "bug") then return found.kind end
	end
	return line:match("^WARNING in ") and "warning" or line:match("^kernel BUG in ") and "bug"
		or line:match("^hung in ") and "hang" or line:match("^endless loop in ") and "loop"
end

local function list_words()
	local chapter
	each_word(function(word, section)
		if section.chapter ~= chapter then
			io.stdout:write(chapter and "\n\n" or "", section.chapter, ":\n ")
			chapter = section.chapter
		end
		io.stdout:write(" ", word)
	end)
	print()
	return 0
end

-- Takes the words of one argument or of several.
function explain.run(...)
	local word = table.concat({ ... }, " ")
	if word == "" then return list_words() end
	local sections = explain.sections(word)
	if #sections == 0 then sections = explain.sections(kind_of(word) or "") end
	if #sections == 0 then
		local known, words = {}, explain.words()
		for _, its_word in ipairs(words) do known[its_word] = true end
		errors.raise(errors.KIND.user, "explain: there is nothing about \"%s\"%s; there are: %s", word,
			suggest(word, known), table.concat(words, ", "))
	end
	local texts = {}
	for i, section in ipairs(sections) do texts[i] = ("%s: %s"):format(section.chapter, documents.text(section)) end
	print(table.concat(texts, "\n\n"))
	return 0
end

return explain
