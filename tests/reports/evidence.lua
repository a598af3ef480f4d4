-- SPDX-License-Identifier: GPL-2.0-only
-- The guest's log in a failure's report, and limits on slow machines.

local core = require "provium.core"
local runner = require "runner"

provium.timeout = "20m"

-- Returns the test events of a canned suite's JSON report by name, and the end
-- event.
local function items(suite, opts)
	local list, last = {}, nil
	for line in runner.run({ "test", "--format", "json", suite }, opts or { raw = true }).said:gmatch("[^\n]+") do
		local event = assert(core.json(line), line)
		if event.event == "test" then list[event.name] = event end
		if event.event == "end" then last = event end
	end
	return list, last
end

-- Returns the lines of a test event's first kernel log, or of another list of
-- evidence, without times and without lines that can appear at any time.
local function texts(item, part)
	local list, evidence = {}, item[part or "kernel"]
	for _, line in ipairs(evidence and evidence[1].lines or {}) do
		line = line:gsub("^%[[%d .]+%] ", "")
		if not line:find("^clocksource") and not line:find("^tsc:") then list[#list + 1] = line end
	end
	return list
end

test("a failed test's report has the kernel lines of that test, and no others", function()
	local list, last = items("vm_evidence.lua")
	assert_eq(nil, list["first"].kernel)
	assert_eq({ "of the second <&> \\xff", "reboot: System halted" }, texts(list["second"]))
	local many = list["prints 250 kernel lines"].kernel[1]
	assert_eq("line 250", texts(list["prints 250 kernel lines"])[#texts(list["prints 250 kernel lines"])])
	assert_eq(200, #many.lines)
	assert(many.more >= 50 and many.more < 60, many.more)
	local panic = texts(list["panics"])
	assert_eq("before the panic", panic[1])
	assert_contains(table.concat(panic, "\n"), "Kernel panic - not syncing")
	assert_contains(runner.read(last.logs .. "/console-1.log"), "line 250")
end)

test("the text report has the last 20 kernel lines, and TAP escapes them", function()
	local r = runner.run { "test", "-f", "prints", "vm_evidence.lua" }
	assert_contains(r.said, "      kernel log of VM 1:\n      | … (23")
	assert_contains(r.said, "line 240\n")
	r = runner.run { "test", "--format", "tap", "-f", "second", "vm_evidence.lua" }
	assert_contains(r.said, "reboot:.System halted\n")
	assert_contains(r.said, "\n    not ok 1 second\n")
end)

test("the report of a test that boots a VM has no lines of the boot, unless the guest has ended", function()
	local list = items("vm_boot_log.lua")
	local wrong = list["a wrong parameter"]
	assert_contains(wrong.message, 'module echo has no parameter "nonesuch"; ')
	assert_eq({ {}, {} }, { texts(wrong), texts(wrong, "consoles") })
	local spoke = list["the kernel speaks"]
	assert_eq({ { "after the boot" }, { "after the boot" } }, { texts(spoke), texts(spoke, "consoles") })
end)

test("time limits are multiplied by the machine's slowness", function()
	local boot_s = tonumber(os.getenv("PROVIUM_BOOT") or runner.probed().PROVIUM_BOOT)
	if boot_s > 8 then skip(("a boot takes %.0f s here, too long for the suite's limit of 20 s"):format(boot_s)) end
	runner.with_folder(function(dir)
		-- Makes a runner in its own folder, whose probe result says
		-- that the machine is four times as slow, and was not busy: a
		-- probe of a busy machine would be repeated.
		os.execute(("mkdir -p %s/bin && cp %s %s/bin/provium && cp -r %s/accel %s && ln -s %s/initramfs %s"):format(dir,
			runner.quote(runner.path), dir, runner.quote(runner.home), dir, runner.quote(runner.home), dir))
		os.execute(("sed -i 's/\"slowness\": [0-9.e+]*/\"slowness\": 4.0/; s/\"load\": [0-9.e+]*/\"load\": 0.0/' %s/accel/*"):format(dir))
		local list, last = items(runner.canned .. "/vm_scaled.lua", {
			raw = true, cwd = runner.home, runner = dir .. "/bin/provium", env = { PROVIUM_BOOT = "" },
		})
		for _, name in ipairs { "a test", "a call", "a condition" } do
			-- The time is at least the scaled limit; how much more
			-- depends on the machine's load.
			assert(list[name], name .. " has no result: " .. tostring(last.error and last.error.message))
			assert(list[name].seconds >= 1.2, ("%s took %g s"):format(name, list[name].seconds))
		end
		assert_eq("the file's time limit of 20 s was reached", list["the file"].message)
		assert(last.seconds >= 20, last.seconds)
	end)
end)
