-- SPDX-License-Identifier: GPL-2.0-only
-- A repository with a kernel tree and a history of 12 commits on top of it:
-- from the 8th on, a read of an eventfd with EFD_SEMAPHORE takes the whole
-- counter.

local history = require "history"
local runner = require "runner"

local kernel_history = {}

kernel_history.COMMITS, kernel_history.BUG = 12, 8

kernel_history.TEST = [[
local C = provium.const
local vm = provium.create():boot()

test("a read of an eventfd with EFD_SEMAPHORE returns 1", function()
	local fd = vm:syscall("eventfd2", 5, 1 | C.O_NONBLOCK)
	for _ = 1, 2 do
		local n, bytes = vm:syscall("read", fd, provium.out(8), 8)
		assert_eq({ 8, 1 }, { n, n > 0 and provium.unpack("u64", bytes) })
	end
end)
]]

local FILE, HEADER = "fs/eventfd.c", "include/linux/anon_inodes.h"
local TAKE_ONE = "((ctx->flags & EFD_SEMAPHORE) && ctx->count) ? 1 : ctx->count;"

-- git asks for the 6th commit first, which does not boot. Two others do not
-- build. The rest changes comments, one of them in a header of a dozen files.
-- The parent of the bug can be tested, so that there is one first bad commit.
local ADDED = {
	[6] = "static int __init no_boot(void)\n{\n\tpanic(\"no boot\");\n}\nearly_initcall(no_boot);\n",
	[9] = "static int no_semaphore = undeclared;\n",
	[10] = "static int no_semaphore = undeclared;\n",
}

local function import(dir, from)
	runner.shell("git init -q -b main " .. runner.quote(dir))
	history.git(dir, "config core.compression 1")
	for _, command in ipairs { "add -A -f .", "commit -q -m 'the tree'" } do
		history.git(dir, ("--git-dir=.git --work-tree=%s %s"):format(runner.quote(from), command))
	end
end

-- Makes the repository DIR with the source tree FROM, in which files are only
-- read. Of the tree's files, only Kconfig is checked out in DIR, because make
-- looks for it.
function kernel_history.make(dir, from)
	local source = assert(runner.read(("%s/%s"):format(from, FILE)), "no kernel tree: " .. from)
	local header = runner.read(("%s/%s"):format(from, HEADER))
	local at, stop = source:find(TAKE_ONE, 1, true)
	assert(at, FILE .. " has changed: it has no " .. TAKE_ONE)
	local wrong = source:sub(1, at - 1) .. "ctx->count;" .. source:sub(stop + 1)
	import(dir, from)
	history.add(dir, kernel_history.COMMITS, function(n)
		local text = n >= kernel_history.BUG and wrong or source
		return {
			[FILE] = ("%s\n/* Version %d. */\n%s"):format(text, n, ADDED[n] or ""),
			[HEADER] = n >= 4 and "/* Version 4. */\n" .. header or nil,
		}
	end)
	history.git(dir, "sparse-checkout set --no-cone /Kconfig")
	history.git(dir, "checkout -q -f main")
	return dir
end

return kernel_history
