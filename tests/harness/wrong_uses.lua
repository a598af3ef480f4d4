-- SPDX-License-Identifier: GPL-2.0-only
-- Wrong uses of make are refused before anything is built, with what to do.
-- (Those of MODULE= are in kit/module_layouts, those of KERNEL= in kernels.)

local kit = require "kit"
local runner = require "runner"

-- Files in the folder DIR of a case.
local FILES = {
	["built/Kconfig"] = "", ["built/.config"] = "",
	["tree/Kconfig"] = "",
	["calls/Kbuild"] = "obj-m := calls.o\n", ["calls/calls.def"] = "",
	["bzImage"] = "an image", ["build/Makefile"] = "all:\n", ["build/include/config/kernel.release"] = "6.9.1\n",
	["mine.config"] = "CONFIG_I2C=y\n",
}

local CASES = {
	{ "a kernel tree that was built in place", "kernel KERNEL_SRC=DIR/built",
		"KERNEL_SRC=DIR/built: the tree was built in place, and kbuild refuses to build such a tree in another folder. "
		.. "Clean it (make -C DIR/built mrproper; this removes its .config) or give a worktree of it" },
	{ "an output folder with a blank in its path", "kernel O='DIR/a b'",
		"O='DIR/a b': kbuild cannot build in a path with blanks or colons; move or rename the folder" },
	{ "options for a kernel that is not built", "kernel PROFILE=distro CONFIG=DIR/mine.config",
		"this kernel is not built here, so its options are fixed; use a profile that is built from source" },
	{ "a module with system calls for a kernel without the overlay", "modules KERNEL_SRC=DIR/tree MODULE=DIR/calls",
		"the module has system calls, and the kernel of KERNEL_SRC=DIR/tree lacks the overlay for them. "
		.. "To add it to a tree: kernel-configs/overlay/apply TREE" },
	{ "selftests of a kernel without a source", "kselftest PROFILE=own KERNEL=DIR/bzImage KDIR=DIR/build TARGETS=timers",
		"make kselftest: the kernel of PROFILE=own is not built here, so there is no source with its selftests; "
		.. "use a profile that is built from source, such as PROFILE=minimal" },
	{ "a fuzz target that does not exist", "fuzz TARGET=none", "TARGET=none: no fuzz target has this name; choose from: " },
	{ "a new system call without a module", "new-syscall NAME=x NR=1000",
		"new-syscall: MODULE=, NAME= and NR= are needed: make new-syscall MODULE=kacs NAME=frobnicate NR=1010" },
	{ "an initramfs without busybox", "initramfs BUSYBOX=",
		'initramfs: no busybox in PATH; run "make deps", or install a static busybox' },
}

for _, case in ipairs(CASES) do
	local title, args, message = table.unpack(case)
	test(("make refuses %s, and says what to do"):format(title), function()
		runner.with_folder(function(dir)
			for path, content in pairs(FILES) do runner.add_file(dir .. "/" .. path, content) end
			local said, status = kit.new(dir):make((args:gsub("%f[%w]DIR", dir)))
			assert_eq(2, status, said)
			assert_contains(said:gsub("[ \t\n]+", " "), message)
		end)
	end)
end
