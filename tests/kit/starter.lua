-- SPDX-License-Identifier: GPL-2.0-only
-- The test that provium init writes, run and completed as its user would.

local kit = require "kit"
local runner = require "runner"

-- How a user completes the examples for modules/echo.
local COMPLETED = {
	{ "-- assert_eq(0, vm:ioctl(fd, ECHO_NOP))", "assert_eq(69, vm:ioctl(fd, ECHO_NOP))" },
	{ '-- assert_eq(0, vm:ioctl(fd, ECHO_SET, provium.pack("u32 u32", 1, 2)))',
		'assert_eq(0, vm:ioctl(fd, ECHO_SET, provium.pack("u32 u32", 7, 0)))' },
	{ '-- local ret, out = vm:ioctl(fd, ECHO_GET)', 'local ret, out = vm:ioctl(fd, ECHO_GET)' },
	{ '-- assert_eq({ 0, 1, 2 }', 'assert_eq({ 0, 0, 0 }' },
	{ '-- ret, out = vm:ioctl(fd, ECHO_SWAP, provium.pack("u32 u32", 1, 2))',
		'ret, out = vm:ioctl(fd, ECHO_SWAP, provium.pack("u32 u32", 8, 0))' },
	{ '-- assert_eq({ 0, 1, 2 }', 'assert_eq({ 0, 7, 1 }' },
	{ '-- assert_errno("ENOTTY"', 'assert_errno("ENOTTY"' },
}

-- Replaces the first occurrence of each text in the file.
local function complete(path, changes)
	local text = runner.read(path)
	for _, change in ipairs(changes) do
		local from, to = text:find(change[1], 1, true)
		assert(from, change[1])
		text = text:sub(1, from - 1) .. change[2] .. text:sub(to + 1)
	end
	runner.write(path, text)
end

test("the test that init writes passes; once completed, it passes or fails as it should", function()
	runner.with_folder(function(dir)
		runner.shell(("cp %s/modules/echo/* %s"):format(runner.quote(kit.root), dir))
		local r = runner.run({ "init" }, { cwd = dir })
		assert_eq(0, r.status, r.said)
		local env = runner.probed()
		env.PROVIUM_STORE = dir .. "/store"
		local function run() return runner.run({ "test", "tests" }, { cwd = dir, env = env }) end
		r = run()
		assert_eq(0, r.status, r.said)
		assert_contains(r.said, "echo can be removed and loaded again ... ok")
		assert_contains(r.said, "/dev/echo can be opened ... ok")
		local path = dir .. "/tests/echo.lua"
		complete(path, COMPLETED)
		r = run()
		assert_contains(r.said, "/dev/echo can be opened ... ok")
		complete(path, { { "assert_eq(69, ", "assert_eq(70, " } })
		r = run()
		assert_contains(r.said, "/dev/echo can be opened ... FAIL: expected 70, got 69\n")
		assert_eq(nil, r.said:find("saved as fixture", 1, true), r.said)
	end)
end)
