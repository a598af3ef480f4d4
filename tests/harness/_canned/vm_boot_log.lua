-- SPDX-License-Identifier: GPL-2.0-only
-- Tests that boot a VM and fail afterwards.

local function boot() return provium.create():boot { memory = "128M", append = "ignore_loglevel" } end

test("a wrong parameter", function() boot():insmod("echo", { nonesuch = 1 }) end)
test("the kernel speaks", function()
	boot():write_file("/dev/kmsg", "<4>after the boot\n")
	assert(false)
end)
