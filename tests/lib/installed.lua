-- SPDX-License-Identifier: GPL-2.0-only
-- A kit that "make install" has installed below a folder, and an ordinary user
-- without root's rights who uses it. The user's kernel is the one that was built
-- already.

local kit = require "kit"
local runner = require "runner"

local installed = {}
installed.__index = installed

local IS_ROOT = runner.shell("id -u") == "0"
local BECOME = IS_ROOT and "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all" or ""

-- Returns why an ordinary user cannot use the built kernel, or nil.
function installed.missing()
	if IS_ROOT and runner.shell("command -v setpriv") == "" then return "there is no setpriv, to become another user" end
	if not os.execute(BECOME .. " sh -c ': >/dev/null' 2>&1") then return "an ordinary user cannot write to /dev/null here" end
	local readable = os.execute(("%s test -r %s/provium.toml"):format(BECOME, runner.quote(runner.home)))
	return not readable and ("an ordinary user cannot read %s"):format(runner.home) or nil
end

-- Installs the kit below dir. Its user has the folder dir/home.
function installed.new(dir)
	local self = setmetatable({ dir = dir, dest = dir .. "/dest", home = dir .. "/home" }, installed)
	self.prefix = self.dest .. "/usr/local"
	self.kit = self.prefix .. "/lib/provium"
	self.out = self.home .. "/.cache/provium/out"
	self.modules = ("%s/profile/%s/modules"):format(self.out, provium.profile)
	local said, status = kit.in_checkout(("install DESTDIR=%s PREFIX=/usr/local"):format(self.dest))
	assert(status == 0, said)
	runner.shell(("chmod 755 %s && mkdir -p %s"):format(dir, self.home))
	kit.link_kernel(self.out, provium.profile)
	if IS_ROOT then runner.shell(("chown -R 65534:65534 %s"):format(self.home)) end
	return self
end

-- Runs a shell command as the user, in this folder, with the installed programs
-- in PATH. Returns its output and exit status.
function installed:run(cwd, cmd)
	local env = ("-u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MODULE -u T -u V -u PROVIUM_STORE -u XDG_CACHE_HOME HOME=%s "
		.. "PATH=%s/bin:$PATH PROFILE=%s"):format(self.home, self.prefix, provium.profile)
	local pipe = assert(io.popen(("cd %s && %s env %s timeout 1800 sh -c %s </dev/null 2>&1"):format(runner.quote(cwd),
		BECOME, env, runner.quote(cmd))))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said, status
end

-- Returns names, types, sizes, dates and links of all that is installed.
function installed:state()
	return runner.shell(("cd %s && find . -printf '%%p %%y %%m %%U %%s %%T@ %%C@ %%l\\n' | sort"):format(self.dest))
end

return installed
