-- SPDX-License-Identifier: GPL-2.0-only
-- A kit without kernels and VMs, and a repository whose "module" is a Lua file,
-- for tests of `make check` and `make bisect`.

local core = require "provium.core"
local history = require "history"
local runner = require "runner"
local tree = require "tree"

local small_kit = {}
small_kit.__index = small_kit

local here = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))

local MAKEFILE = [[
O := out
RUNNER := out/bin/provium
PROFILE ?= minimal
PROFILE_DIR := out/profile/$(PROFILE)
all: modules
$(RUNNER) $(PROFILE_DIR)/profile.toml: ;
include mk/rules.mk mk/kernel.mk mk/check.mk mk/modules.mk
]]

-- The makefile of kernels: a kernel, too, is built by its commit's script
-- "build".
local KERNEL = [[
KERNEL_IMAGE := $(PROFILE_DIR)/vmlinux
all: $(KERNEL_IMAGE)
.PHONY: $(KERNEL_IMAGE)
$(KERNEL_IMAGE):
	@mkdir -p $(@D) && sh $(or $(KERNEL_SRC),mk)/build
	@$(if $(KERNEL_SRC),cp $(KERNEL_SRC)/module.lua $(@D))
]]

-- The makefile of modules: the "compiler" is the commit's shell script "build".
local MODULES = [[
define build_module
	@sh $1/build
	@cp $1/module.lua $(PROFILE_DIR)

endef

ifneq ($(MODULE),)
modules: $(KERNEL_IMAGE)
	@rm -f $(PROFILE_DIR)/module.lua
	$(foreach m,$(MODULE),$(call build_module,$m))
endif
modules: $(KERNEL_IMAGE)
]]

-- The commits' test, which "loads" the module that make has built: for a step
-- of make bisect, or in the kit.
local TEST = [[
local function load()
	for _, folder in ipairs { "../..", "out" } do
		local path = ("%s/profile/%s/module.lua"):format(folder, provium.profile)
		if loadfile(path) then return dofile(path) end
	end
	error("there is no module")
end
local module = load()

test("numbers add up", function()
	assert_eq(42, module.add(20, 22))
end)

test("the module tells its name", function()
	assert_eq("tally", module.name)
end)
]]

small_kit.NO_BUILD = "echo 'tally.c:7: error: there is no plus'; exit 1"
small_kit.NO_LOAD = "error('ENODEV')"
small_kit.BUG = "return { name = 'tally', add = function(a, b) return a | b end }"
small_kit.OTHER_BUG = "return { name = 'talley', add = function(a, b) return a + b end }"
small_kit.GOOD = "return { name = 'tally', add = function(a, b) return a + b end }"

-- Returns the files of a commit. opts: build (a shell script), module (Lua),
-- test.
function small_kit.files(opts)
	return {
		["tally/Kbuild"] = "obj-m := tally.o\n",
		["tally/build"] = opts.build or "true\n",
		["tally/module.lua"] = opts.module or small_kit.GOOD,
		["tally/tests/sum.lua"] = opts.test or TEST,
	}
end

-- Calls fn(kit) with a kit in kit.dir, and a repository kit.repo with nr
-- commits; commit(n) returns what small_kit.files() takes.
function small_kit.with(nr, commit, fn)
	runner.with_folder(function(dir)
		local kit = setmetatable({ dir = dir .. "/kit", repo = dir .. "/drivers" }, small_kit)
		runner.shell(("mkdir -p %s/mk %s/out/bin && ln -s .. %s/out/kit && cp %s %s/out/bin/provium")
			:format(kit.dir, kit.dir, kit.dir, runner.quote(runner.path), kit.dir))
		runner.shell(("cd %s/mk && cp rules.mk check.mk %s/mk"):format(runner.quote(here), kit.dir))
		runner.write(kit.dir .. "/Makefile", MAKEFILE)
		runner.write(kit.dir .. "/mk/kernel.mk", KERNEL)
		runner.write(kit.dir .. "/mk/modules.mk", MODULES)
		runner.write(kit.dir .. "/mk/build", "true\n")
		history.make(kit.repo, nr, function(n) return small_kit.files(commit(n) or {}) end)
		fn(kit)
	end)
end

-- Returns the shell command for make in the kit. self.env: further variables of
-- the environment, as NAME=VALUE without blanks.
function small_kit:command(args)
	return ("cd %s && exec env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u T %s timeout 1000 make MODULE=%s/tally %s </dev/null 2>&1")
		:format(self.dir, self.env or "", self.repo, args)
end

small_kit.make = tree.make

-- Runs provium check. Returns the line "check: …" and the exit status.
function small_kit:check(args)
	local pipe = assert(io.popen(("cd %s && timeout 100 %s/out/bin/provium check MODULE=$PWD/tally %s </dev/null 2>&1")
		:format(self.repo, self.dir, args or "")))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said:match("check: ([^\n]*)\n$") or said, status
end

-- Checks out a commit with these files in the user's repository.
function small_kit:commit(opts)
	for path, text in pairs(small_kit.files(opts)) do runner.write(self.repo .. "/" .. path, text) end
	history.git(self.repo, "add -A")
	history.git(self.repo, "commit -q --allow-empty -m next")
end

-- Returns the folder of the only session, and its summary.
function small_kit:session()
	local dir = runner.shell(("echo %s/out/bisect/*"):format(self.dir))
	local text = runner.read(dir .. "/summary.json")
	return dir, text and core.json(text)
end

-- Calls fn(kit) with a repository whose module takes its sum from the submodule
-- plus. The last nr commits of the repository have the nr commits of the
-- submodule, which is wrong from the commit first_bad on.
function small_kit.with_submodule(nr, first_bad, fn)
	small_kit.with(1, function() return { build = "cp $(dirname $0)/../plus/tally/module.lua $(dirname $0)" } end, function(kit)
		local plus = history.make(kit.dir .. "/plus", nr, function(n)
			return small_kit.files { module = n >= first_bad and small_kit.BUG or small_kit.GOOD }
		end)
		history.git(kit.repo, ("-c protocol.file.allow=always submodule --quiet add %s plus"):format(plus))
		for n = 1, nr do
			history.git(kit.repo .. "/plus", "checkout -q v" .. n)
			history.git(kit.repo, ("commit -qam 'plus %d'"):format(n))
		end
		fn(kit)
	end)
end

return small_kit
