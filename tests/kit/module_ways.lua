-- SPDX-License-Identifier: GPL-2.0-only
-- A user without root's rights builds and tests every layout of a module's
-- folder with an installed kit, in each of the three ways, and finds the folder
-- unchanged. LAYOUTS chooses: "all", or every n-th of them (default: 9).

local installed = require "installed"
local kit = require "kit"
local layouts = require "layouts"
local runner = require "runner"
local session = require "provium.session"

provium.timeout = "90m"

for _, file in ipairs { "install.mk", "installed.mk", "config.mk", "user-module.mk", "modules.mk", "test.mk" } do
	session.depend(("%s/mk/%s"):format(kit.root, file))
end

local why = installed.missing()
if why then
	test("layouts of modules with an installed kit", function() skip(why) end)
	return
end

local dir, _ <close> = runner.new_folder()
local inst = installed.new(dir)
local work = inst.home .. "/work"

local function write(path, content) runner.add_file(work .. "/" .. path, content) end

-- A GNUmakefile with the lines of "provium init" for MODULE=. kbuild ignores
-- such a file, so that every layout can have one.
local function lines_for(modules)
	return ("PROVIUM ?= %s\n.PHONY: test\ntest: ; $(MAKE) -C $(PROVIUM) test MODULE='%s'\n"):format(inst.kit, modules)
end

-- Returns a test that loads each module of a layout, unless the module is
-- loaded because another one needs it.
local function test_of(l)
	local lines = { "local vm = provium.fixture(provium.profile)" }
	for name in pairs(l.ko) do
		lines[#lines + 1] = ('local function has() return vm:exec("test -d /sys/module/%s").ok end'):format(
			(name:gsub("-", "_")))
		lines[#lines + 1] = ('if not has() then vm:insmod("%s") end assert(has())'):format(name)
	end
	return table.concat(lines, "\n") .. "\n"
end

-- The folder whose symbols a layout needs, by the layout's name.
local NEEDS = { user = work .. "/core" }

for _, l in ipairs(layouts) do
	for path, content in pairs(l.files) do write(path, content) end
	if l.shell then runner.shell(("cd %s && { %s\n} 2>&1"):format(work, l.shell)) end
	l.modules = (NEEDS[l.name] and NEEDS[l.name] .. " " or "") .. work .. "/" .. l.module
	write(l.module .. "/GNUmakefile", lines_for(l.modules))
	write(l.module .. "/tests/loads.lua", test_of(l))
end
runner.shell(("chown -R --reference=%s %s"):format(inst.home, work))

-- Returns names, types, sizes, dates and contents of all of the user's files.
local function state()
	return runner.shell(([[cd %s && find . -printf '%%p %%y %%m %%s %%T@ %%C@ %%l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum]]):format(work))
end

local before = state()

local WAYS = {
	["make -C KIT"] = function(l) return ("make -C %s retest MODULE='%s'"):format(inst.kit, l.modules) end,
	["its own makefile"] = function() return "make test" end,
	["provium make"] = function(l)
		return "provium make retest" .. (NEEDS[l.name] and (" MODULE='%s'"):format(l.modules) or "")
	end,
}

local chosen = os.getenv "LAYOUTS" or "9"
local step = chosen == "all" and 1 or assert(tonumber(chosen), "LAYOUTS: expected a number or \"all\"")

for n = 1, #layouts, step do
	local l = layouts[n]
	test(("layout %s: an ordinary user builds and loads its modules in each of three ways"):format(l.name), function()
		for name, way in pairs(WAYS) do
			local said, status = inst:run(work .. "/" .. l.module, way(l) .. " CONFIG_LAYOUT=m")
			assert_eq(0, status, name .. ": " .. said)
			assert_contains(said, ("\nok: %d passed ("):format(NEEDS[l.name] and 2 or 1), name)
		end
	end)
end

test("builds with an installed kit leave contents and dates of the user's folders alone", function()
	assert_eq(before, state())
end)
