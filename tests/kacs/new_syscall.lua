-- SPDX-License-Identifier: GPL-2.0-only
-- make new-syscall: one command and one line of C make a system call that
-- passes its test. The tests build a copy of the module.

local calls = require "calls"
local runner = require "runner"
local session = require "provium.session"

provium.timeout = "20m"

local vm = provium.create(calls.profile)
local info = vm.core:info()
local root = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))
local kbuild = runner.shell(("ls -d %s/kernel/*/%s 2>/dev/null"):format(runner.quote(runner.home), calls.profile)):match("[^\n]+$")

local has_calls = io.open(info.modules .. "/kacs.ko") ~= nil
for _, file in ipairs { "modules/kacs/kacs.def", "mk/gen/calls.awk", "mk/gen/new-call.awk", "mk/new-syscall.mk" } do
	session.depend(root .. "/" .. file)
end

local function run(dir, cmd)
	local pipe = io.popen(("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MODULE sh -c %s </dev/null 2>&1")
		:format(runner.quote(dir), runner.quote(cmd)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said, status
end

-- Runs the steps of mk/modules.mk for a module with system calls, in the
-- folders of the copy.
local function build(dir, module)
	local awk = ("awk -v what=%%s -f mk/gen/calls.awk modules/%s/%s.def >%%s"):format(module, module)
	local steps = {
		awk:format("header", ("modules/%s/%s_calls.h"):format(module, module)),
		awk:format("source", ("modules/%s/%s_calls.c"):format(module, module)),
		awk:format("lua", ("out/modules/%s.calls.lua"):format(module)),
		awk:format("page", ("docs/%s.md"):format(module)),
		("make -s -C %s M=%s/modules/%s modules"):format(runner.quote(kbuild), runner.quote(dir), module),
		("cp modules/%s/%s.ko out/modules/"):format(module, module),
	}
	return run(dir, "set -e\n" .. table.concat(steps, "\n"))
end

local function substitute(path, from, to)
	local text = runner.read(path)
	local at, last = text:find(from, 1, true)
	assert(at, from)
	runner.write(path, text:sub(1, at - 1) .. to .. text:sub(last + 1))
end

local function try(dir) return runner.run({ "test", "tests/kacs_frobnicate.lua" }, { cwd = dir }) end

-- Makes a copy of the tree, with a profile whose modules are those of the copy.
local dir, _ <close> = runner.new_folder()
run(root, ("cp -a Makefile mk kernel-configs modules docs %s && mkdir -p %s/out/modules %s/tests && cp -a tests/lib %s/tests/")
	:format(dir, dir, dir, dir))
runner.write(dir .. "/provium.toml", ("[profile.%s]\nkernel = \"%s\"\nmodules = \"out/modules\"\n"):format(calls.profile, info.kernel))

local DEF = dir .. "/modules/kacs/kacs.def"
local rows = runner.read(DEF)

-- Calls fn while the .def file of the copy's module has these rows.
local function with_rows(text, fn)
	if not has_calls then skip("this kernel has no room for system calls (kernel-configs/overlay)") end
	runner.write(DEF, text)
	local ok, err = pcall(fn)
	runner.write(DEF, rows)
	if not ok then error(err, 0) end
end

-- Checks that the module with these rows does not build, and that the output
-- has each of the words.
local function does_not_build(text, ...)
	local words = { ... }
	with_rows(text, function()
		local said, status = build(dir, "kacs")
		assert_ne(0, status)
		for _, word in ipairs(words) do assert_contains(said, word) end
	end)
end

test("a .def file with two rows of the same number does not build", function()
	does_not_build(rows .. "\n1005 again\n\tIs there already.\n", "number 1005 is revoke_token's already")
end)

test("a handler with other arguments than its row of the .def file does not build", { timeout = "10m" }, function()
	local other = rows:gsub("1005 revoke_token fd:fd", "%0 why:u32")
	assert_ne(rows, other)
	does_not_build(other, "kacs_revoke_token")
end)

test("the error for a row of a .def file without a handler names the handler", { timeout = "10m" }, function()
	does_not_build(rows .. "\n1011 orphan\n\tHas no handler.\n", '"kacs_orphan"', "undefined!")
end)

test("a generated test fails until one line of the handler is filled in", { timeout = "10m" }, function()
	with_rows(rows, function()
		local said, status = run(dir, "make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS='fd:int buf:in:len' DOC='Frobs the buffer.'")
		assert_eq(0, status, said)
		said, status = build(dir, "kacs")
		assert_eq(0, status, said)
		local before = try(dir)
		assert_eq(1, before.status, before.said)
		assert_contains(before.said, "expected 0, got -38")

		substitute(dir .. "/modules/kacs/do_frobnicate.c", "return -ENOSYS;", "return len;")
		said, status = build(dir, "kacs")
		assert_eq(0, status, said)
		local after = try(dir)
		assert_eq(0, after.status, after.said)

		local page = runner.read(dir .. "/docs/kacs.md")
		assert_contains(page, "| 1010 | [kacs_frobnicate](#kacs_frobnicate) | Frobs the buffer. |")
		assert_contains(page, "ret = vm.kacs:frobnicate(fd, buf)")
	end)
end)
