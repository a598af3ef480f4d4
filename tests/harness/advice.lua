-- SPDX-License-Identifier: GPL-2.0-only
-- What a run with failures says last, on a terminal: the commands to type next.

local pty = require "pty"
local runner = require "runner"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- Returns the lines after the totals.
local function advice(args)
	local shown, ending = pty.run(dir, runner.quote(runner.path) .. " " .. args, {})
	assert(ending == "exit 1" or ending == "exit 3", shown)
	local lines = {}
	for line in shown:match("\n%u+: %d+ passed, [^\n]*\n(.*)$"):gmatch("[^\r\n]+") do
		lines[#lines + 1] = line:gsub(": [^:]*provium", ": RUNNER")
	end
	return lines
end

local LOOK = {
	"a shell in their VMs: RUNNER test --rerun-failed --on-failure=shell",
	"gdb on them, also after a panic: RUNNER test --rerun-failed --on-failure=gdb",
}

-- Writes a result as provium test --verdict does.
local function write_result(name, items)
	runner.write(("%s/%s.result"):format(dir, name), ('{"file":"%s.lua","name":"%s.lua","verdict":"FAIL","seconds":1,"tests":[%s]}')
		:format(name, name, table.concat(items, ",")))
end

local PASSED = '{"name":"p","verdict":"ok","seconds":0}'
local FAILED = '{"name":"f","verdict":"FAIL","seconds":0,"message":"m"}'
local BROKEN = '{"name":"b","verdict":"BROKEN","seconds":0,"message":"m"}'

local function complaint(kind)
	return ('{"name":"c","verdict":"FAIL","seconds":0,"complaints":[{"vm":1,"kind":"%s","title":"t","lines":[]}]}'):format(kind)
end

test("the summary of make test ends with the commands to look into VMs and to explain the first complaint", function()
	write_result("one", { PASSED, FAILED })
	write_result("two", { BROKEN, complaint "lockdep", complaint "kasan" })
	local explain = "what lockdep means: RUNNER explain lockdep"
	assert_eq({ LOOK[1], LOOK[2], explain }, advice "make-summary one two")
	assert_eq(LOOK, advice "make-summary one")
	assert_eq({ LOOK[1], LOOK[2], "all of it, for a browser: reports/index.html" },
		advice "make-summary --report reports one")
end)

test("a run with a BROKEN test ends with the command that explains BROKEN", function()
	runner.write(dir .. "/broken.lua", [[
		local errors = require "provium.errors"
		test("b", function() errors.raise("broken", "QEMU is gone") end)
		test("f", function() assert(false) end)
	]])
	assert_eq({ LOOK[1], LOOK[2], "what BROKEN means: RUNNER explain BROKEN" }, advice "test broken.lua")
end)

test("a run without a terminal ends with the totals", function()
	runner.write(dir .. "/bad.lua", "test('f', function() assert(false) end)\n")
	assert_eq("FAIL: 0 passed, 1 failed", runner.run({ "test", "bad.lua" }, { cwd = dir }).said:match("([^\n]*)\n$"))
	write_result("one", { FAILED })
	local said = runner.run({ "make-summary", "one" }, { cwd = dir }).said
	assert_eq("FAIL: 0 passed, 1 failed (1 file, 0 verdicts reused)", said:match("([^\n]*)\n$"))
end)
