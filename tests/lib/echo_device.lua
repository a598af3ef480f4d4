-- SPDX-License-Identifier: GPL-2.0-only
-- The ioctls of modules/echo; see modules/echo/echo.h.

local C = provium.const
local IO, IOR, IOW, IOWR = provium.IO, provium.IOR, provium.IOW, provium.IOWR

return {
	MAX = 4096,
	NOP = IO("E", 0x00), GET = IOR("E", 0x01, 8), SET = IOW("E", 0x02, 8), SWAP = IOWR("E", 0x03, 8),
	REVERSE = IOWR("E", 0x04, 24), UPPER = IOWR("E", 0x05, 16),
	OVERRUN = IOW("E", 0x06, 16), UNDERRUN = IOW("E", 0x07, 16),
	OVERRUN_ARG = IOR("E", 0x08, 8), UNDERRUN_ARG = IOR("E", 0x09, 8),
	COUNT = IOR("E", 0x10, 8), COUNT_SET = IOW("E", 0x11, 8),
	ADD = IOWR("E", 0x12, 8), ADD_RACY = IOWR("E", 0x13, 8),
	SLEEP = IOW("E", 0x14, 8), SLEEP_MAX = 3600000,

	open = function(vm) return vm:syscall_buf("openat", 1, "/dev/echo\0", C.AT_FDCWD, 0, C.O_RDWR) end,
}
