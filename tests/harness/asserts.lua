-- SPDX-License-Identifier: GPL-2.0-only
-- The assertions: for which values each raises an error, and with which
-- message.

-- Returns the message with which fn fails.
local runner = require "runner"

local function failure(fn)
	local ok, err = pcall(fn)
	assert(not ok, "no error was raised")
	return tostring(err)
end

test("assert returns its arguments", function()
	assert_eq({ 1, "two", 3 }, { assert(1, "two", 3) })
	assert_eq("yes", assert("yes"))
end)

test("assert fails on nil and false only", function()
	assert_eq("assertion failed!", failure(function() assert(nil) end))
	assert_eq("assertion failed!", failure(function() assert(false) end))
	assert_eq("my words", failure(function() assert(nil, "my words") end))
	assert_eq(0, assert(0))
	assert_eq("", assert(""))
end)

test("a failed assert whose message is a negative errno shows its name", function()
	runner.with_folder(function(dir)
		local r = runner.run { "test", runner.write(dir .. "/a.lua", "test(\"a\", function() assert(false, -14) end)") }
		assert_contains(r.said, "a ... FAIL: -14 (EFAULT)\n")
	end)
end)

test("assert raises its second argument if that is a table", function()
	local object = { code = 7 }
	local _, err = pcall(assert, false, object)
	assert(rawequal(object, err), "another object")
end)

test("assert_eq shows the expected and the actual value", function()
	assert_eq("expected 0, got -13 (EACCES)", failure(function() assert_eq(0, -13) end))
	assert_eq("expected \"a\", got \"b\"", failure(function() assert_eq("a", "b") end))
	assert_eq("expected nil, got false", failure(function() assert_eq(nil, false) end))
	assert_eq("the size: expected 1, got 2", failure(function() assert_eq(1, 2, "the size") end))
end)

test("assert_eq shows large numbers in hexadecimal, too", function()
	assert_eq("expected 65536 (0x10000), got -1 (EPERM)", failure(function() assert_eq(65536, -1) end))
end)

test("assert_eq of a number and its text fails", function()
	assert_eq("expected 1, got \"1\"", failure(function() assert_eq(1, "1") end))
end)

test("assert_eq of 1 and 1.0 passes, and of NaN and NaN fails", function()
	assert_eq(1, 1.0)
	failure(function() assert_eq(0 / 0, 0 / 0) end)
end)

test("assert_eq compares tables deeply", function()
	assert_eq({ 1, { a = { "x" } } }, { 1, { a = { "x" } } })
	assert_eq("expected {1, {a = {\"x\"}}}, got {1, {a = {\"y\"}}}",
		failure(function() assert_eq({ 1, { a = { "x" } } }, { 1, { a = { "y" } } }) end))
end)

test("assert_eq of tables with different keys fails with the key", function()
	assert_eq("expected {a = 1}, got {a = 1, b = 2}", failure(function() assert_eq({ a = 1 }, { a = 1, b = 2 }) end))
	assert_eq("expected {a = 1, b = 2}, got {a = 1}", failure(function() assert_eq({ a = 1, b = 2 }, { a = 1 }) end))
end)

test("assert_eq compares tables that contain themselves", function()
	local a, b = {}, {}
	a.me, b.me = a, b
	assert_eq(a, b)
	assert_eq("expected {me = {…}, x = 1}, got {me = {…}}", failure(function()
		a.x = 1
		assert_eq(a, b)
	end))
end)

test("assert_eq shortens a long table", function()
	local long = {}
	for i = 1, 1000 do long[i] = i end
	assert_contains(failure(function() assert_eq(long, {}) end), "39, 40, …}, got {}")
end)

test("assert_eq shows line ends and tabs in strings as escapes", function()
	assert_eq([[expected "a\nb\tc", got "a"]], failure(function() assert_eq("a\nb\tc", "a") end))
end)

test("assert_eq shows binary strings as hex dumps with the first difference marked", function()
	assert_eq([[
20 bytes expected, got 20; first difference at offset 17 (0x11)
expected:
  0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................
  0010  10>11 12 13                                      ....
got:
  0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................
  0010  10>ff 12 13                                      ....]], failure(function()
		local a = {}
		for i = 0, 19 do a[#a + 1] = string.char(i) end
		local s = table.concat(a)
		assert_eq(s, s:sub(1, 17) .. "\xff" .. s:sub(19))
	end))
end)

test("assert_eq marks where the shorter of two binary strings ends", function()
	local message = failure(function() assert_eq("\0\1\2", "\0\1") end)
	assert_contains(message, "3 bytes expected, got 2; first difference at offset 2 (0x2)")
	assert_contains(message, "  0000  00 01>02 ")
	assert_contains(message, "  0000  00 01>-- ")
end)

test("assert_eq shows the part of a long binary string that has the difference", function()
	local a = ("\0"):rep(5000)
	local message = failure(function() assert_eq(a, a:sub(1, 4000) .. "\1" .. a:sub(4002)) end)
	assert_contains(message, "first difference at offset 4000 (0xfa0)")
	assert_contains(message, "  0fa0 >00 00")
	assert_contains(message, "  0fa0 >01 00")
	assert_contains(message, "… 5000 bytes in all")
end)

test("assert_ne fails for equal values", function()
	assert_ne(1, 2)
	assert_ne({ 1 }, { 2 })
	assert_eq("expected anything but {1}", failure(function() assert_ne({ 1 }, { 1 }) end))
	assert_eq("why: expected anything but 3", failure(function() assert_ne(3, 3, "why") end))
end)

test("assert_contains takes plain text", function()
	assert_contains("a.b", ".")
	assert_eq("expected a string that contains \".\", got \"ab\"", failure(function() assert_contains("ab", ".") end))
	assert_eq("log: expected a string that contains \"x\", got \"\"", failure(function() assert_contains("", "x", "log") end))
	assert_eq("assert_contains: expected two strings, got nil and string", failure(function() assert_contains(nil, "x") end))
end)

test("assert_errno shows the result that it got instead", function()
	assert_errno("EACCES", -13)
	assert_eq("expected EACCES, got EPERM", failure(function() assert_errno("EACCES", -1) end))
	assert_eq("expected EACCES, got 0", failure(function() assert_errno("EACCES", 0) end))
	assert_eq("expected EACCES, got 13", failure(function() assert_errno("EACCES", 13) end))
	assert_eq("expected EACCES, got -4095", failure(function() assert_errno("EACCES", -4095) end))
	assert_eq("expected EACCES, got nil", failure(function() assert_errno("EACCES", nil) end))
	assert_eq("opening: expected EACCES, got EPERM", failure(function() assert_errno("EACCES", -1, "opening") end))
end)

test("assert_errno with an unknown name raises an error", function()
	assert_eq("assert_errno: there is no errno \"EWHAT\"", failure(function() assert_errno("EWHAT", -1) end))
end)

test("assert_error returns the error", function()
	assert_eq("here", assert_error(function() error("here", 0) end))
	local object = {}
	assert(rawequal(object, assert_error(function() error(object) end)), "another object")
end)

test("assert_error with a pattern fails for another error", function()
	assert_error(function() error("no 42", 0) end, "^no %d+$")
	assert_eq("expected an error that matches \"^yes\", got \"no 42\"",
		failure(function() assert_error(function() error("no 42", 0) end, "^yes") end))
end)

test("assert_error fails when no error is raised", function()
	assert_eq("expected an error, but the function returned", failure(function() assert_error(function() end) end))
end)

test("wait_until returns the function's result", function()
	assert_eq("found", wait_until(function() return "found" end))
end)

test("wait_until calls the function again until its result is true", function()
	local asked = 0
	local got = wait_until(function()
		asked = asked + 1
		return asked == 3 and asked
	end, { interval = 0.001 })
	assert_eq(3, got)
end)

test("wait_until fails at its timeout with the description and the time", function()
	local err = assert_error(function()
		wait_until(function() return nil end, { timeout = "50ms", interval = "5ms", desc = "the moon" })
	end, "wait_until: the moon did not come true in %d+%.%d s")
	assert_eq("fail", err.kind)
end)

test("wait_until raises an error of its function at once", function()
	local asked = 0
	assert_error(function()
		wait_until(function()
			asked = asked + 1
			error("broken", 0)
		end)
	end, "^broken$")
	assert_eq(1, asked)
end)

test("wait_until refuses wrong options", function()
	assert_error(function() wait_until(function() end, { timeuot = 1 }) end, "unknown option \"timeuot\"; the options are: desc, interval, timeout")
	assert_error(function() wait_until(function() end, { timeout = "5 minutes" }) end, "wait_until: timeout: expected seconds or a duration")
	assert_error(function() wait_until(42) end, "wait_until: expected a function, got number")
end)

test("test() refuses wrong arguments", function()
	assert_error(function() test("no function") end, "expected a name and a function, got string and nil")
	assert_error(function() test(42, function() end) end, "got number and function")
	assert_error(function() test("x", { tiemout = 1 }, function() end) end, "unknown option \"tiemout\"; the options are: ")
end)
