-- SPDX-License-Identifier: GPL-2.0-only
-- make test-recordings: a recorded guest that hangs in a loop of PAUSE.

provium.timeout = "10m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local runner = require "runner"

local MIB = 1 << 20

test("a recorded call that hangs ends at 64 MiB of recording, and its replay tells every 10 s where it is", function()
	runner.with_folder(function(dir)
		local file = runner.write(dir .. "/hang.lua", [[
			test("hangs", { fixture = provium.profile }, function(vm)
				vm:insmod("faults")
				vm:exec("echo spin >/sys/module/faults/parameters/commit")
			end)
		]])
		local recording = runner.recordings_of(dir) .. "/hang/vm-1"
		local r = runner.run({ "test", "--record", file }, { raw = true })
		assert_eq(1, r.status, r.said)
		assert(r.said:find('FAIL: exec "echo spin [^\n]*: no result within [%d.]+ s %(the call has made 64 MiB of recording, the most that it may%), and the guest hangs: '), r.said)
		local size = tonumber(runner.shell("stat -c %s " .. runner.quote(recording .. "/log")))
		assert(size > 64 * MIB and size < 128 * MIB, ("a log of %d bytes"):format(size))

		local prefix = { runner.timeout, "-s", "INT", "-k", "5", "13" }
		r = runner.run({ "replay", recording }, { prefix = prefix, raw = true })
		assert(r.said:find("^provium replay: at instruction %d+ of %d+ after 1%d s\n"), r.said)
		r = runner.run({ "replay", "--until", "failing-call", recording }, { raw = true })
		assert_eq(0, r.status, r.said)
	end)
end)
