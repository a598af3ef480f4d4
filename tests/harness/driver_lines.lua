-- SPDX-License-Identifier: GPL-2.0-only
-- Ordinary messages of drivers are no complaints: the messages are those in the
-- source of the kernel's own drivers.

local core = require "provium.core"
local runner = require "runner"

local FOLDERS = "drivers/usb drivers/scsi drivers/hid drivers/mmc drivers/i2c drivers/spi drivers/mtd drivers/media"
local CALLS = [[\b(pr|dev|netdev)_(info|notice|warn|err|crit|dbg|debug)\([^"]*"[^"]*"]]
local FORMAT = "%%[-+ #0*.%d]*[hlzt]*%a"
local MIN_LINES = 10000

-- Returns the text that the source code `call` prints, with 7 for each value.
local function message_of(call)
	local text = call:match('"(.*)"'):gsub("\\n", ""):gsub(FORMAT, "7")
	return call:find("^dev_") and "ring 0000:00:03.0: " .. text or text
end

test("of 10000 messages of kernel drivers only those that say BUG are complaints", { timeout = "3m" }, function()
	local source = runner.shell(("ls -d %s/src/linux-source-*/drivers 2>&1"):format(runner.quote(runner.home)))
	if not source:find("^/[^\n]*/drivers$") then skip "needs one kernel source in out/src (make kernel)" end
	local lines = {}
	for call in runner.shell(("cd %s/.. && grep -rhoE --include='*.c' '%s' %s | sort -u")
			:format(runner.quote(source), CALLS, FOLDERS)):gmatch("[^\n]+") do
		-- A message with "BUG: " does report a bug.
		if not call:find("BUG: ", 1, true) then lines[#lines + 1] = "[    1.234567] " .. message_of(call) end
	end
	assert(#lines >= MIN_LINES, ("%d messages in %s"):format(#lines, source))
	for _, complaint in ipairs(core.complaints(lines, 1)) do
		assert(false, ("%s: %s"):format(complaint.title, lines[complaint.lines[1]]))
	end
end)
