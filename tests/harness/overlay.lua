-- SPDX-License-Identifier: GPL-2.0-only
-- kernel-configs/overlay/apply: its changes to a kernel tree, and its second
-- run.

local runner = require "runner"

local APPLY = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") ..
	"/../../kernel-configs/overlay/apply"))
local TABLE, MAKEFILE = "/arch/x86/entry/syscalls/syscall_64.tbl", "/kernel/Makefile"
local FILES = { TABLE, MAKEFILE, "/kernel/provium_syscalls.c", "/include/linux/provium_syscalls.h" }

-- Calls fn with a copy of the files of a kernel tree that apply changes.
local function with_tree(fn)
	runner.with_folder(function(dir)
		runner.shell(("mkdir -p %s/arch/x86/entry/syscalls %s/kernel %s/include/linux"):format(dir, dir, dir))
		runner.write(dir .. TABLE, "0\tcommon\tread\t\t\tsys_read\n# the end\n")
		runner.write(dir .. MAKEFILE, "obj-y = fork.o\n")
		fn(dir)
	end)
end

local function apply(dir) return runner.shell(("%s %s 2>&1 && echo done"):format(runner.quote(APPLY), runner.quote(dir))) end

local function state(dir)
	local list = {}
	for i, file in ipairs(FILES) do list[i] = runner.shell(("stat -c '%%y' %s%s; cat %s%s"):format(dir, file, dir, file)) end
	return list
end

test("overlay/apply adds 64 lines to the end of the system call table", function()
	with_tree(function(dir)
		assert_eq("done", apply(dir))
		local text = runner.read(dir .. TABLE)
		assert_eq("0\tcommon\tread\t\t\tsys_read\n# the end\n# Provium", text:sub(1, 44))
		for nr = 1000, 1063 do assert_contains(text, ("\n%d\t64\tprovium_%d\t\tsys_provium\n"):format(nr, nr)) end
		assert_eq(nil, text:find("\n1064", 1, true) or text:find("\n999", 1, true))
		assert_contains(runner.read(dir .. MAKEFILE), "obj-y = fork.o\n# Provium")
	end)
end)

test("overlay/apply changes nothing the second time, not even a file's date", function()
	with_tree(function(dir)
		apply(dir)
		local before = state(dir)
		assert_eq("done", apply(dir))
		assert_eq(before, state(dir))
	end)
end)

test("overlay/apply replaces the lines of an earlier version", function()
	with_tree(function(dir)
		apply(dir)
		local right = runner.read(dir .. TABLE)
		runner.write(dir .. TABLE, right:gsub("provium_1063.*$", "elsewhere\n"))
		runner.write(dir .. "/kernel/provium_syscalls.c", "old")
		assert_eq("done", apply(dir))
		assert_eq(right, runner.read(dir .. TABLE))
		assert_ne("old", runner.read(dir .. "/kernel/provium_syscalls.c"))
	end)
end)

test("overlay/apply refuses a folder that is no x86 kernel tree", function()
	runner.with_folder(function(dir)
		assert_contains(apply(dir), "syscall_64.tbl")
		assert_eq("", runner.shell(("ls -A %s"):format(dir)))
	end)
end)
