-- SPDX-License-Identifier: GPL-2.0-only
-- make kunit: the KUnit suites of the profile's kernel. Each suite that is
-- built in runs at boot, and is one test here; each module with suites is one
-- test, in a clone.
--
-- KUNIT_SUITE   the suites to run: a name with wildcards, or "suite.test"
-- KUNIT_LOG     the file for the kernel log of the boot, for "kunit.py parse"

local core = require "provium.core"
local kunit = require "provium.kunit"

local suite = os.getenv "KUNIT_SUITE" or ""
local BOOT_LIMIT = "10m"

provium.timeout = "1h"

local vm = provium.create():boot {
	append = "kunit.enable=1" .. (suite ~= "" and " kunit.filter_glob=" .. suite or ""),
	timeout = BOOT_LIMIT,
}
local log = vm:dmesg()
if os.getenv "KUNIT_LOG" then
	local file = assert(io.open(os.getenv "KUNIT_LOG", "wb"))
	assert(file:write(log))
	file:close()
end

-- Returns the modules of the kernel that have suites, as the ELF section that
-- lists them tells.
local function modules()
	local folder = ("%s/profile/%s/kernel-modules"):format(core.home(), provium.profile)
	local list = {}
	for _, name in ipairs(core.list(folder)) do
		local file = name:find "%.ko$" and io.open(folder .. "/" .. name, "rb")
		if file then
			local has_suites = file:read("a"):find(".kunit_test_suites", 1, true)
			file:close()
			if has_suites then list[#list + 1] = name:gsub("%.ko$", "") end
		end
	end
	table.sort(list)
	return list
end

local built_in, in_modules = kunit.judge(kunit.lines(log)), suite == "" and modules() or {}

test("KUnit has run suites, and all that it announced", function()
	assert(#built_in.results + #in_modules > 0,
		"no suite has run at boot, and no module has any: build a kernel with CONFIG_KUNIT=y, as PROFILE=kselftest does"
		.. (suite ~= "" and "; or no suite is called " .. suite or ""))
	assert_eq(nil, built_in.message)
end)

for _, result in ipairs(built_in.results) do
	test("suite " .. result.name, function() vm:kunit(result.name) end)
end

for _, name in ipairs(in_modules) do
	test("module " .. name, { fixture = provium.profile }, function(clone) clone:kunit(name) end)
end
