-- SPDX-License-Identifier: GPL-2.0-only
-- provium explain, and docs/words.md, from which its text comes.

local errors = require "provium.errors"
local explain = require "provium.explain"
local kit = require "kit"
local runner = require "runner"

local function explained(...) return runner.run({ "explain", ... }) end

-- Checks that each word of the list has a section in this chapter.
local function assert_explained(words, chapter)
	local missing = {}
	for _, word in ipairs(words) do
		local has_text = false
		for _, section in ipairs(explain.sections(word)) do
			local is_it = section.chapter == chapter and section.heading == ("`%s`"):format(word)
			has_text = has_text or is_it and table.concat(section.lines, " "):find("^ %u.*%.")
		end
		if not has_text then missing[#missing + 1] = word end
	end
	assert_eq({}, missing)
end

test("each kind of complaint that the runner knows is explained", function()
	local kinds, has = {}, {}
	for kind in runner.read(kit.root .. "/runner/complaint/kinds.def"):gmatch("\nKIND%((%w+),") do
		if not has[kind] then kinds[#kinds + 1], has[kind] = kind, true end
	end
	assert(#kinds > 30, #kinds)
	assert_explained(kinds, "Kind of complaint")
end)

test("each verdict, and each kind of error that a test can get, is explained", function()
	local verdicts, kinds = {}, {}
	for _, verdict in pairs(errors.VERDICT) do verdicts[#verdicts + 1] = verdict end
	for kind in runner.read(kit.root .. "/runner/base/err.h"):match("enum err_kind {(.-)}"):gmatch("ERR_(%u+),") do
		if kind ~= "NONE" then kinds[#kinds + 1] = kind:lower() end
	end
	assert_eq({ 5, 6 }, { #verdicts, #kinds })
	assert_explained(verdicts, "Verdict")
	assert_explained(kinds, "Kind of error")
end)

test("docs/words.md, the text of provium explain, has only words that reports have", function()
	local known = { "ok", "FAIL", "BROKEN", "skip", "todo" }
	for _, kind in pairs(errors.KIND) do known[#known + 1] = kind end
	for kind in runner.read(kit.root .. "/runner/complaint/kinds.def"):gmatch("\nKIND%((%w+),") do known[#known + 1] = kind end
	local is_known = {}
	for _, word in ipairs(known) do is_known[word] = true end
	local text = runner.read(kit.root .. "/docs/words.md")
	for word in text:gmatch("\n### `([^`]*)`") do assert(is_known[word], word) end
end)

test("explain BROKEN prints the verdict and the kind of error, in either case of letters", function()
	local r = explained "Broken"
	assert_eq(0, r.status)
	assert_contains(r.said, "Verdict: BROKEN\n\nThe infrastructure failed")
	assert_contains(r.said, "\n\nKind of error: broken\n\nThe infrastructure failed")
end)

test("provium explain finds the kind of a complaint by its title or a line of the log", function()
	for line, kind in pairs {
		["BUG: sleeping function called from invalid context at mm/slab.h:494"] = "atomic",
		["[   12.500000] WARNING: possible circular locking dependency detected"] = "lockdep",
		["KASAN: slab-use-after-free in ring_read"] = "kasan",
		["possible circular locking in ring_open"] = nil,
		["refcount_t: underflow in ring_put"] = "refcount",
		["NULL pointer dereference in ring_read"] = "oops",
		["WARNING in ring_ioctl"] = "warning",
		["kernel BUG in ring_read"] = "bug",
		["memory leak in ring_open"] = "kmemleak",
		["hung in ring_read"] = "hang",
		["Kernel panic - not syncing: sysrq triggered crash"] = "panic",
	} do
		local r = explained(line)
		assert_eq(("Kind of complaint: %s"):format(kind), r.said:match("^[^\n]*"), line)
	end
end)

test("the error of explain for an unknown word suggests a word and lists all", function()
	local r = explained "lokdep"
	assert_eq(2, r.status)
	assert_contains(r.said, 'provium: explain: there is nothing about "lokdep"; did you mean "lockdep"?; there are: ok, FAIL, BROKEN, ')
	assert_eq(2, explained("frobnicate").status)
end)

test("provium explain without a word lists the words by their chapters", function()
	local r = explained()
	assert_eq(0, r.status)
	assert_contains(r.said, "Verdict:\n  ok FAIL BROKEN skip todo\n\nKind of error:\n  op guest timeout")
	assert_contains(r.said, "Kind of complaint:\n  kasan ")
end)
