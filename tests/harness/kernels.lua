-- SPDX-License-Identifier: GPL-2.0-only
-- Kernels that are built already, as make takes them: KERNEL=, KDIR=,
-- PROFILE=distro.

local runner = require "runner"

local TOP = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))

-- Runs make in the checkout, with the folder dir/out for what it builds.
-- Returns its output and exit status.
local function make(dir, args, path)
	local pipe = assert(io.popen(("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T -u PROFILE %s "
		.. "timeout 100 make O=%s/out %s </dev/null 2>&1"):format(runner.quote(TOP), path and "PATH=" .. path or "", dir, args)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said:gsub(dir:gsub("%p", "%%%0"), "DIR"), status
end

-- Makes a folder like one in which a kernel was built. drivers: { file name of
-- a driver = names of the modules that it depends on }.
local function build_tree(dir, drivers)
	runner.shell(("mkdir -p %s/build/include/config %s/build/drivers"):format(dir, dir))
	runner.write(dir .. "/bzImage", "an image")
	runner.write(dir .. "/build/Makefile", "all:\n")
	runner.write(dir .. "/build/modules.builtin", "kernel/fs/9p/9p.ko\nkernel/net/9p/9pnet_virtio.ko\nkernel/fs/overlay.ko\n")
	runner.write(dir .. "/build/include/config/kernel.release", "6.9.1-mine\n")
	for file, depends in pairs(drivers) do
		runner.write(("%s/build/drivers/%s"):format(dir, file), ("name=x\0depends=%s\0"):format(depends))
	end
end

test("the error for an unusable KERNEL= or KDIR= says what is wrong and what to give", function()
	runner.with_folder(function(dir)
		build_tree(dir, {})
		for args, message in pairs {
			["KERNEL=DIR/none KDIR=DIR/build"] = "KERNEL=DIR/none: cannot read DIR/none; expected a kernel image, bzImage or vmlinux",
			["KERNEL=DIR/bzImage"] = "KERNEL=DIR/bzImage: give KDIR=DIR too: the folder in which this kernel was built, or its headers",
			["KERNEL=DIR/bzImage KDIR=DIR"] = "KDIR=DIR: expected the folder in which the kernel was built, or its headers: it has no Makefile",
			["KERNEL=DIR/bzImage KDIR=DIR/build PROFILE=minimal"] = "PROFILE=minimal KERNEL=DIR/bzImage: this is a profile of the kit",
			["PROFILE=nosuch"] = "PROFILE=nosuch: no kernel-configs/nosuch.profile; choose from: debug ",
		} do
			local said, status = make(dir, "-n kernel " .. args:gsub("%f[%w]DIR", dir))
			assert_eq(2, status, said)
			assert_contains(said, message)
		end
	end)
end)

test("LLVM= without its clang on the host is refused with the missing program's name", function()
	runner.with_folder(function(dir)
		for llvm, program in pairs { ["-none"] = "clang-none", ["/none/"] = "/none/clang" } do
			local said, status = make(dir, "-n modules LLVM=" .. llvm)
			assert_eq(2, status, said)
			assert_contains(said, ("LLVM=%s: there is no %s; install it"):format(llvm, program))
		end
	end)
end)

test("make kernel KERNEL= KDIR= makes a profile that loads the drivers in order", function()
	runner.with_folder(function(dir)
		build_tree(dir, {
			["virtio-ring.ko"] = "", ["virtio.ko"] = "virtio_ring",
			["virtio_blk.ko"] = "virtio,virtio_ring",
			["virtio_pci.ko"] = "virtio,virtio_ring",
		})
		runner.shell("xz " .. dir .. "/build/drivers/virtio.ko")
		local said, status = make(dir, ("kernel KERNEL=%s/bzImage KDIR=%s/build"):format(dir, dir))
		assert_eq(0, status, said)
		assert_eq("load virtio_ring.ko\nload virtio.ko\nload virtio_pci.ko\nmissing virtio_console\n"
			.. "missing vmw_vsock_virtio_transport\nload virtio_blk.ko\n",
			runner.read(dir .. "/out/profile/own/drivers/list"))
		local toml = runner.read(dir .. "/out/provium.toml")
		for _, line in ipairs { '[profile.own]', 'kernel  = "profile/own/vmlinuz"', 'initrd  = "profile/own/drivers.cpio"', 'machine = "q35"' } do
			assert_contains(toml, line .. "\n")
		end
		assert_eq("an image", runner.read(dir .. "/out/profile/own/vmlinuz"))
		assert_contains(runner.read(dir .. "/out/profile/own/drivers.cpio"), "name=x\0depends=virtio_ring\0")

		-- make takes a kernel image that has replaced another one of
		-- the same name.
		runner.write(dir .. "/bzImage", "another image")
		said, status = make(dir, ("kernel KERNEL=%s/bzImage KDIR=%s/build"):format(dir, dir))
		assert_eq({ 0, "another image" }, { status, runner.read(dir .. "/out/profile/own/vmlinuz") }, said)
	end)
end)

test("KDIR= with the kernel's file of symbols: stacks and gdb use it while it is there", function()
	runner.with_folder(function(dir)
		build_tree(dir, {})
		local args = ("kernel KERNEL=%s/bzImage KDIR=%s/build"):format(dir, dir)
		local link = dir .. "/out/profile/own/debug/vmlinux"
		local function link_after_make()
			local said, status = make(dir, args)
			assert_eq(0, status, said)
			return runner.shell(("realpath -qe %s"):format(link))
		end
		assert_eq("", link_after_make())
		runner.write(dir .. "/build/vmlinux", "symbols")
		assert_eq(dir .. "/build/vmlinux", link_after_make())
		runner.shell(("rm %s/build/vmlinux"):format(dir))
		assert_eq("", link_after_make())
	end)
end)

test("KDIR= with headers: the drivers come from the module tree that was installed with them", function()
	runner.with_folder(function(dir)
		local headers, modules = dir .. "/usr/src/linux-headers-6.9.2", dir .. "/lib/modules/6.9.2-mine"
		runner.shell(("mkdir -p %s/include/generated %s/include/config %s/kernel"):format(headers, headers, modules))
		runner.write(headers .. "/include/config/kernel.release", "6.9.2\n")
		runner.write(dir .. "/bzImage", "an image")
		runner.write(headers .. "/Makefile", "all:\n")
		runner.write(headers .. "/include/generated/utsrelease.h",
			"#define UTS_RELEASE \"6.9.2-mine\"\n#define DISTRIBUTION \"one\"\n")
		runner.write(modules .. "/kernel/virtio_pci.ko", "depends=\0")
		local said, status = make(dir, ("kernel KERNEL=%s/bzImage KDIR=%s PROFILE=mine"):format(dir, headers))
		assert_eq(0, status, said)
		assert_contains(runner.read(dir .. "/out/profile/mine/drivers/list"), "load virtio_pci.ko\nmissing virtio_console\n")
	end)
end)

test("PROFILE=distro without a kernel package or without apt says what is missing", function()
	runner.with_folder(function(dir)
		runner.shell("mkdir " .. dir .. "/bin")
		for _, program in ipairs { "apt-get", "apt-cache", "dpkg-deb" } do
			runner.write(dir .. "/bin/" .. program, "#!/bin/sh\n")
			runner.shell(("chmod +x %s/bin/%s"):format(dir, program))
		end
		local said, status = make(dir, "kernel PROFILE=distro", dir .. "/bin:$PATH")
		assert_eq(2, status, said)
		assert_contains(said, "kernel: apt knows none of: linux-image-cloud-amd64 linux-image-virtual linux-image-amd64; "
			.. "run 'apt-get update' as root, or check the list of sources\n")
	end)
end)

test("the error for a fixture of a profile that is not built names those that are", function()
	runner.with_folder(function(dir)
		runner.write(dir .. "/a.lua", 'test("a", { fixture = provium.profile }, function() end)')
		local r = runner.run({ "test", dir .. "/a.lua" }, { env = { PROFILE = "nope" } })
		assert(r.said:find('the profile nope is not built: "make %-C [^"]+ kernel PROFILE=nope" builds it; '
			.. "PROFILE=NAME chooses one that is built: "), r.said)
	end)
end)
