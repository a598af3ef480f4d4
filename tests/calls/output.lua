-- SPDX-License-Identifier: GPL-2.0-only
-- The output of commands as text objects and as JSON, and the kernel log.

local vm = provium.create():boot()
local text = vm:exec("printf '  hello, world\\n'").stdout

test("the .value of an output text is a string", function()
	assert_eq("string", type(text.value))
	assert_eq("  hello, world\n", text.value)
end)

test("an output text's contains, starts_with and trim can be called with a dot", function()
	assert_eq(true, text.contains("o, w"))
	assert_eq(false, text.contains("O, w"))
	assert_eq(true, text.starts_with("  he"))
	assert_eq(false, text.starts_with("he"))
	assert_eq("hello, world", text.trim())
end)

test("an output text's contains takes plain text, not a pattern", function()
	assert_eq(false, text.contains("h.llo"))
	assert_eq(false, text.contains("%a"))
end)

test("an output text's contains, starts_with and trim can be called with a colon", function()
	assert_eq(true, text:contains("hello"))
	assert_eq(true, text:starts_with("  "))
	assert_eq("hello, world", text:trim())
end)

test("tostring, # and .. of an output text do the same as for its string", function()
	assert_eq("  hello, world\n", tostring(text))
	assert_eq(15, #text)
	assert_eq("<  hello, world\n>", "<" .. text .. ">")
end)

test("an output text has every string method", function()
	assert_eq("world", text:match("(%a+)\n$"))
	assert_eq("  HELLO, WORLD\n", text:upper())
	assert_eq("  jello, world\n", (text:gsub("h", "j")))
	assert_eq({ 3, 7 }, { text:find("hello", 1, true) })
	local words = {}
	for word in text:gmatch("%a+") do words[#words + 1] = word end
	assert_eq({ "hello", "world" }, words)
end)

test("two output texts are equal if their strings are equal", function()
	assert(text == vm:exec("printf '  hello, world\\n'").stdout)
	assert(text ~= vm:exec("true").stdout)
end)

test("assert_eq, assert_ne and assert_contains compare an output text by its string", function()
	assert_contains(text, "hello")
	assert_ne("hello", text)
	assert_eq({ out = "  hello, world\n" }, { out = text })
end)

test("a field of an output text cannot be set", function()
	assert_error(function() text.value = "other" end, "cannot be changed")
end)

test("json returns each kind of JSON value", function()
	local v = vm:json([[echo '{"n": 42, "big": 9007199254740993, "neg": -1, "real": 2.5, "s": "täxt\u0041",
		"yes": true, "no": false, "list": [1, [2], {}], "empty": []}']])
	assert_eq({ n = 42, big = 9007199254740993, neg = -1, real = 2.5, s = "täxtA", yes = true, no = false,
		list = { 1, { 2 }, {} }, empty = {} }, v)
	assert_eq("integer", math.type(v.n))
	assert_eq("float", math.type(v.real))
end)

test("json returns nil for the JSON value null", function()
	assert_eq(nil, vm:json([[echo '{"nothing": null}']]).nothing)
end)

test("json returns a JSON value that is no object", function()
	assert_eq(7, vm:json("echo 7"))
	assert_eq("s", vm:json("echo '\"s\"'"))
	assert_eq(false, vm:json("echo false"))
end)

test("json of a command that fails raises an error with the command's stderr", function()
	assert_error(function() vm:json("echo {}; echo it broke >&2; exit 3") end, "exit code 3: it broke")
end)

test("json of malformed output raises an error with the position", function()
	assert_error(function() vm:json("echo '{\"a\": 1,'; echo ' oops}'") end, "line 2")
end)

test("json of empty output raises an error", function()
	assert_error(function() vm:json("true") end, "json \"true\": ")
end)

test("dmesg returns the kernel log from its first line on", function()
	assert_contains(vm:dmesg(), "Linux version ")
	assert_contains(vm:dmesg(), "Run /.provium/agent as init process")
end)

test("dmesg with a pattern returns the lines that match it", function()
	local lines = vm:dmesg("Command line: ")
	assert_contains(lines, "console=ttyS0")
	assert_eq(1, select(2, lines:gsub("\n", "")))
end)

test("dmesg with a pattern that no line matches returns an empty string", function()
	assert_eq("", vm:dmesg("no line says this"))
end)

test("dmesg returns a line exactly once, right after it was written to /dev/kmsg", function()
	for i = 1, 3 do vm:write_file("/dev/kmsg", ("<6>marker %d here\n"):format(i)) end
	local lines = vm:dmesg("marker %d here")
	assert_eq("marker 1 here marker 2 here marker 3 here", lines:gsub("%[.-%] ", ""):gsub("\n", " "):sub(1, -2))
	assert_eq(lines, vm:dmesg("marker %d here"))
end)

test("dmesg returns lines that the kernel's ring buffer has overwritten", function()
	if provium.profile:find "^distro" and vm:read_file("/proc/cmdline"):find("loglevel=1", 1, true) then
		skip "needs a kernel's console that shows all records, or a larger ring buffer"
	end
	vm:write_file("/proc/sys/kernel/printk_devkmsg", "on\n")	-- else the kernel drops all but ten lines
	vm:exec(("for i in $(seq 1500); do echo \"line $i of a long log%s\"; done >/dev/kmsg"):format((", with some words"):rep(50)))
	assert_contains(vm:dmesg("line %d+ of"), "line 1500 of")
	assert_contains(vm:dmesg(), "Linux version ")	-- dmesg() read this line before the kernel overwrote it
end)
