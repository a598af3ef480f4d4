-- SPDX-License-Identifier: GPL-2.0-only
-- A home for a runner with a small suite: its own fixture store, and a kernel,
-- initramfs and modules that the test can change.

local core = require "provium.core"
local runner = require "runner"

local home = {}
home.__index = home

-- Where the files of the profile in use are, below out/.
home.PROFILE = "profile/" .. provium.profile

local toml = runner.read(("%s/%s/profile.toml"):format(runner.home, home.PROFILE))
home.KERNEL = toml:match('kernel *= "([^"]*)"')

local FILES = ("bin/provium bin/gen_init_cpio initramfs/base.cpio %s %s %s/modules/echo.ko %s/profile.toml")
	:format(home.KERNEL, toml:match('"(profile/[^"]*%.cpio)"') or "", home.PROFILE, home.PROFILE)
local BOOT = "provium.create():boot { memory = '128M' }\n"

-- Calls fn(home), and removes the home afterwards.
function home.with(fn)
	runner.with_folder(function(dir)
		local self = setmetatable({ dir = dir, suite = dir .. "/suite", store = dir .. "/out/fixtures" }, home)
		runner.shell(("chmod 755 %s && mkdir -p %s/out %s/fixtures && cd %s && cp -L --parents %s %s/out && cp %s/profile.toml %s/out/provium.toml")
			:format(dir, dir, self.suite, runner.quote(runner.home), FILES, dir, home.PROFILE, dir))
		runner.write(self.suite .. "/fixtures/base.lua", BOOT)
		fn(self)
	end)
end

home.BOOT = BOOT

-- Writes a file of the suite.
function home:write(path, text)
	local full = self.suite .. "/" .. path
	if not core.realpath(full) then runner.shell("mkdir -p " .. runner.quote(full:match("^(.*)/"))) end
	return runner.write(full, text)
end

function home:script(name, text) return self:write("fixtures/" .. name .. ".lua", text) end

function home:opts(more)
	local opts = { cwd = self.suite, runner = self.dir .. "/out/bin/provium", env = { PROVIUM_STORE = "" } }
	for name, value in pairs(runner.probed()) do opts.env[name] = value end
	for key, value in pairs(more or {}) do
		if key ~= "env" then opts[key] = value end
	end
	for name, value in pairs(more and more.env or {}) do opts.env[name] = value end
	return opts
end

function home:run(args, more) return runner.run(args, self:opts(more)) end

-- Returns the output of `fixture build -v NAME` without the time, and its exit
-- status.
function home:build(name, more)
	local r = self:run({ "fixture", "build", "-v", name }, more)
	return (r.said:gsub(" in %d+%.%d+ s\n$", "\n")), r.status
end

function home:is_current(name)
	local said = self:build(name)
	assert_eq(("fixture %s: is current\n"):format(name), said)
end

-- Builds the fixture, and checks the reason that is printed.
function home:is_rebuilt(name, why)
	local said = self:build(name)
	assert_eq(("fixture %s: %s: built\n"):format(name, why), said)
end

-- Appends bytes to a file of the home. They do not change what the file means.
function home:grow(file, bytes)
	local f = assert(io.open(self.dir .. "/out/" .. file, "ab"))
	f:write(bytes or "\0")
	f:close()
end

-- Returns the folder of the only fixture of that name in the store.
function home:folder(name)
	return runner.shell(("echo %s/%s/[0-9a-f]*"):format(self.store, name))
end

return home
