-- SPDX-License-Identifier: GPL-2.0-only
-- This checkout's make with an output folder of its own, in which the kernel is
-- the one that was built already.

local runner = require "runner"

local kit = {}
kit.__index = kit

kit.root = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))

local HIDE = "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MODULE -u T -u V"

-- Links the source and the kernel that were built already into an output
-- folder.
function kit.link_kernel(out, profile)
	local here = runner.quote(runner.home)
	runner.shell(([[
		mkdir -p %s && cd %s && ln -s %s/src src && for k in %s/kernel/*/%s; do
			at=kernel/$(basename "$(dirname "$k")"); mkdir -p $at; ln -s "$k" $at; done]])
		:format(out, out, here, here, profile))
end

-- Returns a kit, whose output folder is in the folder dir.
function kit.new(dir)
	local k = setmetatable({ dir = dir, out = dir .. "/out", profile = provium.profile }, kit)
	k.modules = ("%s/profile/%s/modules"):format(k.out, k.profile)
	kit.link_kernel(k.out, k.profile)
	return k
end

-- Runs make in the checkout, with the output folder of the runner. Returns its
-- output and status.
function kit.in_checkout(args)
	-- If O= spelled the path of out/ in another way, make would compile
	-- everything anew.
	local out = runner.home ~= kit.root .. "/out" and "O=" .. runner.quote(runner.home) or ""
	local pipe = assert(io.popen(("%s timeout 600 make -C %s %s %s </dev/null 2>&1"):format(HIDE,
		runner.quote(kit.root), out, args)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said, status
end

-- Returns a shell command for make with these arguments. opts: env, words
-- "NAME=value" for the environment; cwd.
function kit:command(args, opts)
	opts = opts or {}
	return ("cd %s && %s %s timeout 1800 make --no-print-directory -C %s O=%s PROFILE=%s %s </dev/null 2>&1"):format(
		runner.quote(opts.cwd or self.dir), HIDE, opts.env or "", runner.quote(kit.root), self.out,
		self.profile, args)
end

-- Runs make. Returns its output, with the kit's folder as KIT and the test's as
-- DIR, and its status.
function kit:make(args, opts)
	local pipe = assert(io.popen(self:command(args, opts)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	for _, names in ipairs { { self.dir, "DIR" }, { kit.root, "KIT" } } do
		said = said:gsub(names[1]:gsub("%p", "%%%0"), names[2])
	end
	return said, status
end

-- Returns the path of the copy of a module's folder, in which make builds.
function kit:copy_of(path)
	return runner.shell(("ls -d %s/kernel/*/%s.modules/tree%s"):format(self.out, self.profile, path))
end

-- Runs make, which must succeed. Returns the names of the objects in the copy
-- of the module's folder that this make has built.
function kit:made(args, folder)
	local mark = self.dir .. "/mark"
	os.execute("sleep 0.05; touch " .. mark)
	local said, status = self:make(args)
	assert_eq(0, status, said)
	return runner.shell(([[cd %s && find . -name '*.o' ! -name '*.mod.o' -newer %s -printf '%%f\n' | sort]])
		:format(self:copy_of(folder), mark))
end

-- Returns true if make uses the kernel that was built already. It does not if
-- that kernel was built from a tree of the user's.
function kit:has_kernel() return not self:make("-n kernel"):find("  KERNEL\t", 1, true) end

return kit
