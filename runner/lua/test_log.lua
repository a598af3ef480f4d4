-- SPDX-License-Identifier: GPL-2.0-only
-- Keeps what log() gets within bounds: a report of a million lines cannot
-- be read, and takes the memory of the host.
--
-- A log is a list of texts. If it gets too long, its first and its last texts
-- stay, with a note between them.

local core = require "provium.core"

local test_log = {}

local MAX_TEXT_BYTES = 4096
local MAX_HEAD, MAX_HEAD_BYTES = 100, 32 << 10
local MAX_TAIL, MAX_TAIL_BYTES = 400, 64 << 10

-- By log: { nr_head = texts of the head, nil while it grows; head_bytes;
-- tail_bytes; nr_cut = texts left out }.
local states = setmetatable({}, { __mode = "k" })

local function state_of(lines)
	states[lines] = states[lines] or { head_bytes = 0, tail_bytes = 0, nr_cut = 0 }
	return states[lines]
end

-- Returns the text without what is too long, as reports can carry it.
local function cut(text)
	if #text <= MAX_TEXT_BYTES then return core.clean(text) end
	local head = text:sub(1, utf8.offset(text, 0, MAX_TEXT_BYTES + 1) - 1)
	return ("%s… (%d bytes; the rest is left out)"):format(core.clean(head), #text)
end

-- Leaves out the oldest texts of a tail that is too long.
function test_log.trim(lines)
	local state = state_of(lines)
	local has_note = state.nr_cut > 0
	local from = (state.nr_head or #lines) + (has_note and 2 or 1)
	local first = from
	while first <= #lines and (#lines - first >= MAX_TAIL or state.tail_bytes > MAX_TAIL_BYTES) do
		state.tail_bytes = state.tail_bytes - #lines[first]
		first = first + 1
	end
	if first == from then return end
	state.nr_cut = state.nr_cut + first - from
	local note_at, end_before = state.nr_head + 1, #lines
	lines[note_at] = ("… (%d texts left out)"):format(state.nr_cut)
	table.move(lines, first, end_before, note_at + 1)
	for i = end_before, note_at + end_before - first + 2, -1 do lines[i] = nil end
end

-- Adds a text to the log. It can get twice too long until trim() is called.
function test_log.add(lines, text)
	text = cut(text)
	local state = state_of(lines)
	lines[#lines + 1] = text
	if not state.nr_head and #lines <= MAX_HEAD and state.head_bytes + #text <= MAX_HEAD_BYTES then
		state.head_bytes = state.head_bytes + #text
		return
	end
	state.nr_head = state.nr_head or #lines - 1
	state.tail_bytes = state.tail_bytes + #text
	if #lines > MAX_HEAD + 2 * MAX_TAIL or state.tail_bytes > 2 * MAX_TAIL_BYTES then test_log.trim(lines) end
end

return test_log
