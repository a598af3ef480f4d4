-- SPDX-License-Identifier: GPL-2.0-only
-- Wrong uses of make are refused before anything is built, with what to do.
-- (Those of MODULE= are in kit/module_layouts, those of KERNEL= in kernels.)

local kit = require "kit"
local runner = require "runner"

-- The files in the folder DIR of each case below.
local FILES = {
	["built/Kconfig"] = "", ["built/.config"] = "",
	["tree/Kconfig"] = "",
	["calls/Kbuild"] = "obj-m := calls.o\n", ["calls/calls.def"] = "",
	["bzImage"] = "an image", ["build/Makefile"] = "all:\n", ["build/include/config/kernel.release"] = "6.9.1\n",
	["mine.config"] = "CONFIG_I2C=y\n",
	["reads/Kbuild"] = "obj-m := reads.o\nccflags-$(TEST) += -DTEST\n", ["reads/reads.c"] = "",
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
	{ "gdb on a kernel without debugging information", "gdb PROFILE=own KERNEL=DIR/bzImage KDIR=DIR/build",
		"make gdb: the kernel of KERNEL=DIR/bzImage has no debugging information; use a kernel that is built here, "
		.. "such as PROFILE=minimal, or put its unstripped vmlinux into " },
	{ "a variable with two letters exchanged", "kernel PROFLIE=distro",
		'PROFLIE=distro: there is no variable PROFLIE; did you mean PROFILE=? "make help" lists the variables' },
	{ "a variable with a letter missing", "test MODUL=DIR/reads",
		"MODUL=DIR/reads: there is no variable MODUL; did you mean MODULE=?" },
	{ "a variable in small letters", "test module=DIR/reads", "there is no variable module; did you mean MODULE=?" },
	{ "another name for the kernel's tree", "test MODULE=DIR/reads KERNELDIR=DIR/tree",
		"KERNELDIR=DIR/tree: this does not choose the kernel here. KERNEL_SRC=TREE builds a kernel tree, "
		.. "KERNEL=IMAGE with KDIR=TREE uses a kernel that is built" },
	{ "a fuzz target that does not exist", "fuzz TARGET=none", "TARGET=none: no fuzz target has this name; choose from: " },
	{ "a new system call without a module", "new-syscall NAME=x NR=1000",
		"new-syscall: MODULE=, NAME= and NR= are needed: make new-syscall MODULE=kacs NAME=frobnicate NR=1010" },
	{ "an initramfs without busybox", "initramfs BUSYBOX=",
		'initramfs: no busybox in PATH; run "make -C KIT deps", or install a static busybox' },
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

test("make accepts a variable that the module's makefile reads, however near its name is to one of the kit's", function()
	runner.with_folder(function(dir)
		for path, content in pairs(FILES) do runner.add_file(dir .. "/" .. path, content) end
		local said, status = kit.new(dir):make(("-n modules MODULE=%s/reads TEST=y W=1 CONFIG_TESTS=m"):format(dir))
		assert_eq(0, status, said)
		assert_contains(said, "TEST='y'")
	end)
end)

test("make says once that it is going to build a kernel, and that PROFILE=distro needs no build", function()
	runner.with_folder(function(dir)
		for path, content in pairs(FILES) do runner.add_file(dir .. "/" .. path, content) end
		local function notices(args)
			local said = kit.in_checkout(("-n O=%s/out %s"):format(dir, args))
			local _, n = said:gsub("kernel: building the kernel of PROFILE=", "")
			return n, said
		end
		local n, said = notices "shell"
		assert_eq(1, n, said)
		assert(said:find("PROFILE=minimal, about %d+ minutes here%. PROFILE=distro needs no such build\n"), said)
		n, said = notices(("kernel KERNEL_SRC=%s/tree"):format(dir))
		assert_eq(1, n, said)
		assert_eq(0, (notices "kernel PROFILE=distro"))
	end)
end)
