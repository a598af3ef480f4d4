-- SPDX-License-Identifier: GPL-2.0-only
-- provium test --on-failure=keep, provium kept, and provium shell and gdb
-- --attach: VMs that outlive the run.

local pty = require "pty"
local runner = require "runner"

local dir, _ <close> = runner.new_folder()
pty.build(dir)

-- A ledger of its own, so that no other VM of this user is listed or ended.
local PATH = ("env TERM=dumb PROVIUM_GATE=%s/gate %s"):format(dir, runner.quote(runner.path))
local file = runner.quote(runner.canned .. "/fails_in_vm.lua")

local function kept(args) return runner.shell(("%s kept %s 2>&1"):format(PATH, args or "")) end

-- Runs the canned tests that the pattern chooses. Returns the output, and the
-- id of the kept VM.
local function keep(pattern, opts)
	opts = opts or {}
	local said = runner.shell(("%s %s test --on-failure=keep -f %s %s </dev/null 2>&1 | cat; true")
		:format(opts.env or "env", PATH, runner.quote(pattern), opts.file or file))
	return said, tonumber(said:match("VM kept: [^\n]* %-%-attach (%d+)"))
end

local function qemu_of(id) return assert(runner.qemu_below(id), "the keeper has no QEMU") end

-- Asserts that neither the keeper nor its QEMU is left.
local function assert_ended(id, qemu)
	runner.assert_gone(qemu)
	runner.assert_gone(id, "the keeper")
	assert_eq("no VM is kept; provium test --on-failure=keep keeps those of failed tests", kept())
end

test("--on-failure=keep ends the run, and a shell shows the guest as the test left it", function()
	local said, id = keep("^leaves")
	assert_contains(said, "FAIL: 0 passed, 1 failed")
	local qemu = qemu_of(id)
	assert(kept():match("\n *" .. id .. " +%d+ MiB +%d+ s +[^\n]*fails_in_vm.lua: leaves a file and an open descriptor %(VM 1, stopped%)$"), kept())
	assert_contains(runner.shell(PATH .. " gate"), "(kept) ")
	assert_contains(runner.shell(PATH .. " gate"), "leaves a file and an open descriptor (VM 1, stopped)")
	-- Opens two shells, one after the other. Between them, the guest is
	-- paused.
	for round = 1, 2 do
		local shown, ending = pty.run(dir, PATH .. " shell --attach", {
			"expect kept " .. id .. ":~ # ", "send cat /tmp/left; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c /tmp/left\r",
			"expect \nby the test\r\n1\r\n", "expect # ", "resize 50 132", "send stty size; sleep 1000\r", "expect 50 132\r\n", "pause 300", "send \3",
			"expect # ", "send exit " .. round .. "\r",
		})
		assert_eq("exit " .. round, ending, shown)
	end
	assert_eq("ended the kept VM " .. id, kept("--end " .. id))
	assert_ended(id, qemu)
end)

test("only the VM of a file's first failed test is kept; killing its keeper ends QEMU", function()
	local before = runner.shell("ls -d /tmp/provium-* 2>/dev/null | wc -l")
	local said, id = keep("^fails")
	assert_contains(said, "FAIL: 0 passed, 2 failed")
	assert_eq(1, select(2, said:gsub("VM kept: ", "")))
	local qemu = qemu_of(id)
	runner.shell("kill -9 " .. id)
	assert_ended(id, qemu)
	assert_eq(before, runner.shell("ls -d /tmp/provium-* 2>/dev/null | wc -l"))
end)

test("a failed test on a shared VM ends the file; the kept VM ends after PROVIUM_KEEP", function()
	local shared = runner.write(dir .. "/shared.lua", 'local vm = provium.fixture(provium.profile)\n' ..
		'test("fails", function() assert(not vm:exec("true").ok) end)\ntest("comes after", function() assert(true) end)\n')
	local said, id = keep(".", { file = shared, env = "env PROVIUM_KEEP=500ms" })
	assert_contains(said, "FAIL: 0 passed, 1 failed")
	assert_contains(said, "log: the tests after this one do not run, because its VM is kept")
	runner.assert_gone(id, "the keeper")
end)

test("a kept VM ends when the gate's ledger is removed", function()
	local _, id = keep("^leaves")
	local qemu = qemu_of(id)
	runner.shell("rm -r " .. dir .. "/gate")
	assert_ended(id, qemu)
end)

test("a kept VM ends when the output folder is removed", function()
	runner.copy_to(dir)
	local booted = runner.write(dir .. "/booted.lua", 'test("fails", function()\n\tprovium.create(provium.profile):boot()\n\tassert(false)\nend)\n')
	local said = runner.shell(("env PROVIUM_GATE=%s/gate %s %s/out/bin/provium test --on-failure=keep %s </dev/null 2>&1 | cat")
		:format(dir, runner.probed_words(), dir, booted))
	local id = assert(tonumber(said:match("VM kept: [^\n]* %-%-attach (%d+)")), said)
	local qemu = qemu_of(id)
	runner.shell("rm -r " .. dir .. "/out")
	assert_ended(id, qemu)
end)

test("without a kept VM provium kept and provium shell --attach say what to do", function()
	local shown, ending = pty.run(dir, PATH .. " shell --attach", {})
	assert_eq("exit 2", ending)
	assert_contains(shown, "no VM runs or is kept; provium test --on-failure=keep keeps those of failed tests")
	shown, ending = pty.run(dir, PATH .. " shell --attach 1", {})
	assert_eq("exit 2", ending)
	assert_contains(shown, "there is no VM 1")
	assert_contains(runner.shell(PATH .. " kept --end x 2>&1; echo [$?]"), "there is no kept VM x; provium kept lists them\n[2]")
	assert_contains(runner.shell(PATH .. " shell --attach </dev/null 2>&1; echo [$?]"), "stdin is not a terminal")
end)

if runner.lacks_vmlinux("gdb shows a kept guest that has panicked") then return end

test("a kept guest that has panicked is shown by gdb, and has no shell", function()
	local said, id = keep("^fails after")
	assert_contains(said, "gdb --attach " .. id)
	local qemu = qemu_of(id)
	local shown, ending = pty.run(dir, PATH .. " shell --attach " .. id, { "expect the guest panicked: Kernel panic" })
	assert_eq("exit 3", ending, shown)
	shown, ending = pty.run(dir, PATH .. " gdb --attach " .. id, {
		"expect (gdb) ", "send set pagination off\r", "expect (gdb) ", "send backtrace\r", "expect  panic (", "expect (gdb) ",
		"send quit\r", "expect (y or n) ", "send y\r",
	})
	assert_eq("exit 0", ending, shown)
	assert_contains(kept(), "(VM 1, dead)")
	kept("--end")
	assert_ended(id, qemu)
end)
