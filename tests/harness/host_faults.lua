-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the host that need no VM: limits of the user, full disks, closed descriptors.

local runner = require "runner"

-- A command prefix that runs the command with ulimit's arguments.
local function limited(limits)
	return { runner.timeout, "-k", "5", "30", "bash", "-c", ("ulimit %s; exec \"$@\""):format(limits), "bash" }
end

test("a verdict beyond the limit of file sizes: status 3 with its path and the limit", function()
	runner.with_folder(function(dir)
		local r = runner.run({ "test", "--verdict", dir .. "/v", "good.lua" }, { prefix = limited("-f 0") })
		assert_eq(("good.lua ... ok (2 tests, Ts)\nprovium test: cannot write %s/v.result: File too large; raise the limit of file sizes (ulimit -f)\n")
			:format(dir), r.said)
		assert_eq({ 3, "" }, { r.status, runner.shell("ls -A " .. dir) })
	end)
end)
