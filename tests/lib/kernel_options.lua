-- SPDX-License-Identifier: GPL-2.0-only
-- The configuration of the kernel that tests run on.

local runner = require "runner"

-- Returns the set of the configuration options that are y in the kernel of the
-- profile in use. The guest tells them, or the headers of a kernel that came
-- from a package. nil: neither does.
return function()
	local vm = provium.fixture(provium.profile)
	local shown = vm:exec "zcat /proc/config.gz"
	vm:kill()
	local config = shown.ok and shown.stdout.value or
		runner.shell(("cat %s/kernel/prebuilt/%s/build/.config 2>/dev/null"):format(runner.quote(runner.home), provium.profile))
	local set
	for option in config:gmatch "(CONFIG_[%w_]+)=y" do
		set = set or {}
		set[option] = true
	end
	return set
end
