-- SPDX-License-Identifier: GPL-2.0-only
-- Tests of modules that the distribution packages as source (mk/dkms.mk). Where
-- a package is not built, its tests are skipped with the reason.

local runner = require "runner"
local session = require "provium.session"

local dkms = {}

-- Returns the folder into which the package was unpacked.
function dkms.folder(name) return ("%s/dkms/%s"):format(runner.home, name) end

-- Returns why the package is not tested, or nil.
local function reason_of(name)
	local path = ("%s/dkms/%s.%s.skipped"):format(runner.home, name, provium.profile)
	session.depend(path)
	local why = runner.read(path)
	if not why then return "run make test-dkms, which fetches and builds it" end
	return why ~= "" and why:gsub("\n$", ""):gsub("\n", ", ") or nil
end

-- The distribution's kernel for all machines has more to unpack and to start.
local BOOT_LIMIT = "3m"

-- Returns a function like test() for the tests of a package. prepare(vm) gets a
-- booted VM before the first test; each test gets that VM. boot: options of
-- vm:boot(), or a function that returns them.
function dkms.tests(name, boot, prepare)
	local why, vm = reason_of(name), nil
	return function(title, opts, fn)
		if not fn then opts, fn = {}, opts end
		if why then opts = {} end	-- a skipped test has no complaint to expect
		test(title, opts, function()
			if why then skip(("%s-dkms: %s"):format(name, why)) end
			if not vm then
				local how = type(boot) == "function" and boot() or boot
				how.timeout = BOOT_LIMIT
				vm = provium.create():boot(how)
				prepare(vm)
			end
			fn(vm)
		end)
	end
end

-- Opens a file of the guest for reading and writing. Returns the descriptor.
function dkms.open(vm, path)
	local fd = vm:syscall("openat", provium.const.AT_FDCWD, path .. "\0", provium.const.O_RDWR)
	assert(fd >= 0, ("open %s: %d"):format(path, fd))
	return fd
end

return dkms
