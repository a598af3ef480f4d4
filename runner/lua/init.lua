-- SPDX-License-Identifier: GPL-2.0-only
-- provium init: writes a starter into the folder of a kernel module: a test, a
-- fixture, lines for its Makefile, a CI workflow. It overwrites nothing.

local core = require "provium.core"
local device_of = require "provium.init_device"
local errors = require "provium.errors"
local options = require "provium.options"
local read = require "provium.read_file"

local command = {}

-- Folders in which modules have their Kbuild.
local PLACES = { "", "/src", "/module" }

local TEST = [[
-- Tests of the module @NAME@. docs/writing-tests.md of Provium is the guide.
local C = provium.const	-- the constants of the system's headers

@IOCTLS@
-- Each test gets a VM of its own with the module loaded (fixtures/@NAME@.lua).
test("@NAME@ can be removed and loaded again", { fixture = "@NAME@" }, function(vm)
	vm:rmmod("@NAME@")
	vm:insmod("@NAME@")
	assert(vm:exec("test -d /sys/module/@NAME@").ok, "/sys/module/@NAME@ is missing")
end)

@CALLS@]]

-- The test of a device. The calls in it are an example that the user completes.
local CALLS = [[
test("/dev/@DEVICE@ can be opened", { fixture = "@NAME@" }, function(vm)
	local fd = vm:syscall("openat", C.AT_FDCWD, "/dev/@DEVICE@\0", C.O_RDWR)
	assert(fd >= 0, fd)	-- a call returns what the kernel does: a negative errno on failure
@EXAMPLE@end)
]]

local EXAMPLE = [[
-- What should the device do? Take away the dashes, and say it here:
-- assert_eq(5, vm:syscall("write", fd, "hello", 5))
@IOCTL_CALLS@
-- assert_errno("ENOTTY", vm:ioctl(fd, provium.IO("?", 255)))
]]

-- For sources in which no ioctls were found.
local UNKNOWN_IOCTLS = {
	declarations = '-- local SET = provium.IOW("m", 1, 8)\t-- _IOW(\'m\', 1, a struct of 8 bytes)',
	calls = 'assert_eq(0, vm:ioctl(fd, SET, provium.pack("u32 u32", 1, 2)))',
}

local FIXTURE = [[
-- A booted VM with the module loaded, from which each test gets a copy.
local vm = provium.fixture(provium.profile)
vm:insmod("@NAME@")
]]

-- kbuild reads the Makefile too, and must not see these lines.
local MAKEFILE = [[
ifeq ($(KERNELRELEASE),)
PROVIUM ?= @PROVIUM@
.PHONY: test
test: ; $(MAKE) -C $(PROVIUM) test@PROFILE@ MODULE=$(CURDIR)
endif
]]

local WORKFLOW = [[
name: Provium
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: git clone --depth 1 @URL@ "$RUNNER_TEMP/provium"
      - run: make -C "$RUNNER_TEMP/provium" deps
      - run: sudo chmod a+rw /dev/kvm || true
      - run: make -C "$RUNNER_TEMP/provium" test PROFILE=distro MODULE="$GITHUB_WORKSPACE@BELOW@"
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: report
          path: ${{ runner.temp }}/provium/out/report
]]

-- Stands in the workflow for the address of a repository that has none.
local URL_VARIABLE = "${{ vars.PROVIUM_URL }}"

local function refuse(fmt, ...) errors.raise(errors.KIND.user, "init: " .. fmt, ...) end

-- Returns the name of the first module in the text of a Kbuild: that of obj-m,
-- or of obj-$(CONFIG_X).
local function module_in(text)
	for line in text:gsub("\\\n", " "):gmatch("[^\n]+") do
		local object = line:match("^%s*obj%-[m$][^=]*=%s*([%w_.-]+)%.o%f[%s%z]")
		if object then return (object:gsub("-", "_")) end
	end
end

-- Returns the name of the folder's module, and the folder of its sources.
local function module_of(dir)
	for _, place in ipairs(PLACES) do
		for _, file in ipairs { "Kbuild", "Makefile" } do
			local text = read(("%s%s/%s"):format(dir, place, file))
			local name = text and module_in(text)
			if name then return name, dir .. place end
		end
	end
	refuse("%s: expected the folder of a kernel module: neither it nor src/ or module/ in it has a Kbuild or a "
		.. "Makefile with a line \"obj-m := NAME.o\"", dir)
end

-- Returns true if there is anything of that path, even a dangling link.
local function exists(path)
	local dir, name = path:match("^(.*)/([^/]*)$")
	for _, other in ipairs(core.list(dir)) do
		if other == name then return true end
	end
	return false
end

local function write(path, shown, text)
	if exists(path) then
		print(("kept   %s: it exists"):format(shown))
		return
	end
	assert(core.write(path, text))
	print(("wrote  %s"):format(shown))
end

-- Returns the top of the git repository that dir is in, or dir itself.
local function repository_of(dir)
	local at = dir
	while at ~= "" do
		if exists(at .. "/.git") then return at end
		at = at:match("^(.*)/[^/]*$")
	end
	return dir
end

-- Returns the address from which others can clone the checkout at kit, if git
-- knows one.
local function url_of(kit)
	local config = read(kit .. "/.git/config") or ""
	local url = config:match('%[remote "origin"%][^%[]-url%s*=%s*(%S+)')
	return url and url:find("^https?://") and url or URL_VARIABLE
end

-- Adds the lines to a folder without a Makefile. An existing Makefile is the
-- user's: the lines are printed.
local function offer_lines(dir, lines)
	local text = read(dir .. "/Makefile")
	if not text then
		write(dir .. "/Makefile", "Makefile", lines)
	elseif text:find("PROVIUM", 1, true) then
		print("kept   Makefile: it has lines for Provium")
	else
		print("\nAdd these lines to the Makefile:\n\n" .. lines)
	end
end

-- Returns the words " PROFILE=NAME" that make needs for a profile that is
-- built, or "" if that is make's own default.
local function profile_option()
	local used, first = core.default_profile(), nil
	for name in core.profile_names():gmatch("[^, ]+") do
		first = first or name
		if name == used then first = used end
	end
	return options.profile_word(first or used)
end

-- Returns the text with the string `by` before each line that is not empty.
local function indented(by, text) return (text:gsub("%f[^\0\n]([^\n])", by .. "%1")) end

-- Returns a test for a module whose sources are in these folders.
local function test_of(name, sources)
	local found = device_of(sources, name)
	local ioctls = found.calls ~= "" and found or UNKNOWN_IOCTLS
	local example = EXAMPLE:gsub("@IOCTL_CALLS@", (indented("-- ", ioctls.calls):gsub("%%", "%%%%")))
	local calls = CALLS:gsub("@EXAMPLE@", (indented("\t", example):gsub("%%", "%%%%")))
	if not found.device then
		calls = "--[[ To test a device, remove this line and the last one, and put in its name.\n" .. calls .. "--]]\n"
	end
	calls = calls:gsub("@DEVICE@", found.device or name)
	return (TEST:gsub("@(%u+)@", { IOCTLS = ioctls.declarations .. "\n", CALLS = calls }))
end

function command.run(dir)
	dir = core.realpath(dir) or refuse("there is no folder %s", dir)
	local _, _, link = core.home()
	local kit = core.realpath(link) or link
	local name, sources = module_of(dir)
	local top, url = repository_of(dir), url_of(kit)
	local profile = profile_option()
	local values = { NAME = name, PROVIUM = kit, URL = url, BELOW = dir:sub(#top + 1), PROFILE = profile }
	local function filled(template) return (template:gsub("@(%u+)@", values)) end
	local workflow = ".github/workflows/provium.yml"

	local test = test_of(name, { sources, dir .. "/include", dir .. "/include/uapi" })
	write(("%s/tests/%s.lua"):format(dir, name), ("tests/%s.lua"):format(name), filled(test))
	write(("%s/tests/fixtures/%s.lua"):format(dir, name), ("tests/fixtures/%s.lua"):format(name), filled(FIXTURE))
	write(top .. "/" .. workflow, (top == dir and "" or top .. "/") .. workflow, filled(WORKFLOW))
	if url == URL_VARIABLE then
		print("\nThe workflow clones Provium from the variable PROVIUM_URL of the repository: set it at GitHub.")
	end
	offer_lines(dir, filled(MAKEFILE))
	print(("\nTo run the test: make -C %s test%s MODULE=%s"):format(kit, profile, dir))
	return 0
end

return command
