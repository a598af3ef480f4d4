-- SPDX-License-Identifier: GPL-2.0-only
-- Assertions. Each call counts as a check; a test without a check fails
-- (verdict.lua).

local core = require "provium.core"
local errors = require "provium.errors"
local show = require "provium.show"
local text = require "provium.text"

local check = { count = 0 }

-- Raises an error of kind "fail".  verdict.lua adds the line of the test.
function check.fail(fmt, ...)
	errors.raise(errors.KIND.fail, fmt, ...)
end

local function prefix(msg)
	return msg ~= nil and tostring(msg) .. ": " or ""
end

function check.assert(v, msg, ...)
	check.count = check.count + 1
	if v then return v, msg, ... end
	if msg == nil then msg = "assertion failed!" end
	if type(msg) == "string" then check.fail("%s", msg) end
	error(msg, 0)
end

local function deep_equal(a, b, seen)
	a, b = text.plain(a), text.plain(b)
	if rawequal(a, b) or (math.type(a) and a == b) then return true end
	if type(a) ~= "table" or type(b) ~= "table" then return a == b end
	if seen[a] == b then return true end
	seen[a] = b
	for k, v in pairs(a) do
		if not deep_equal(v, b[k], seen) then return false end
	end
	for k in pairs(b) do
		if a[k] == nil then return false end
	end
	return true
end

-- Shows how two strings differ, as hex dumps in which the first difference is
-- marked.
local function binary_difference(a, b)
	local at = show.difference(a, b)
	return ("%d bytes expected, got %d; first difference at offset %d (0x%x)\nexpected:\n%s\ngot:\n%s")
		:format(#a, #b, at, at, show.hex(a, at), show.hex(b, at))
end

local function is_binary(v)
	return type(v) == "string" and (not utf8.len(v) or v:find("[%z\1-\8\11-\31\127]"))
end

function check.assert_eq(expected, actual, msg)
	check.count = check.count + 1
	if deep_equal(expected, actual, {}) then return end
	local a, b = text.plain(expected), text.plain(actual)
	if type(a) == "string" and type(b) == "string" and (is_binary(a) or is_binary(b)) then
		check.fail("%s%s", prefix(msg), binary_difference(a, b))
	end
	check.fail("%sexpected %s, got %s", prefix(msg), show.result(a), show.result(b))
end

function check.assert_ne(expected, actual, msg)
	check.count = check.count + 1
	if deep_equal(expected, actual, {}) then
		check.fail("%sexpected anything but %s", prefix(msg), show.value(actual))
	end
end

function check.assert_contains(haystack, needle, msg)
	check.count = check.count + 1
	haystack, needle = text.plain(haystack), text.plain(needle)
	if type(haystack) ~= "string" or type(needle) ~= "string" then
		check.fail("%sassert_contains: expected two strings, got %s and %s", prefix(msg),
			type(haystack), type(needle))
	end
	if not haystack:find(needle, 1, true) then
		check.fail("%sexpected a string that contains %s, got %s", prefix(msg), show.value(needle),
			show.value(haystack))
	end
end

-- Returns "EACCES" for -13; a result that is not an errno as a number.
local function errno_name(ret)
	if math.type(ret) ~= "integer" then return show.value(ret) end
	return ret < 0 and core.errno[-ret] or tostring(ret)
end

function check.assert_errno(name, ret, msg)
	check.count = check.count + 1
	local number = core.errno[name]
	if type(number) ~= "number" then
		check.fail("assert_errno: there is no errno %s", show.value(name))
	end
	if ret ~= -number then
		check.fail("%sexpected %s, got %s", prefix(msg), name, errno_name(ret))
	end
end

function check.assert_error(fn, pattern)
	check.count = check.count + 1
	local ok, err = pcall(fn)
	if ok then check.fail("expected an error, but the function returned") end
	-- A signal, a time limit or skip() is not the error that the test
	-- expects.
	local kind = errors.kind_of(err)
	if kind == errors.KIND.interrupted or kind == errors.KIND.skip then error(err, 0) end
	if pattern and not tostring(err):find(pattern) then
		check.fail("expected an error that matches %s, got %s", show.value(pattern),
			show.value(tostring(err)))
	end
	return err
end

return check
