-- SPDX-License-Identifier: GPL-2.0-only
-- MODULE=: what a module's build reads and writes outside of its copy.

local kit = require "kit"
local layouts = require "layouts"
local runner = require "runner"
local session = require "provium.session"

provium.timeout = "20m"

for _, file in ipairs { "modules.mk", "user-module.mk", "module-messages.awk", "mirror/walk.c", "confine/confine.c" } do
	session.depend(kit.root .. "/mk/" .. file)
end

local dir, _ <close> = runner.new_folder()
local k = kit.new(dir)
local user = dir .. "/user"
os.execute("mkdir " .. user)

local function sh(cmd) return runner.shell(("cd %s && { %s\n} 2>&1"):format(user, cmd)) end

local function write(path, content) runner.add_file(user .. "/" .. path, content) end

local function modules(list) return ("modules KIT_MODULES= MODULE='%s'"):format(list) end

local function built(name) return runner.read(("%s/%s.ko"):format(k.modules, name)) end

-- Builds the module, and returns the objects in its copy that this build has
-- made.
local function made(folder) return k:made(modules(folder), folder) end

if not k:has_kernel() then
	test("what a module's build writes", function() skip("the kernel was built with another KERNEL_SRC=") end)
	return
end

-- Makes a module's folder with a subfolder that is too large to be copied.
local function make_large()
	sh("mkdir -p large/kernel && cd large/kernel && seq 31000 | xargs touch")
	write("large/Kbuild", "obj-m := large.o\n")
	write("large/large.c", layouts.source('"large"'))
end

test("a build that writes through a link to a large folder fails, and the user's folder does not change", function()
	make_large()
	assert_eq("large.o", made(user .. "/large"))
	local kernel = sh("cd large/kernel && ls -la --time-style=full-iso | sha256sum")
	write("large/Kbuild", "obj-m := large.o\n$(obj)/large.o: mark\n.PHONY: mark\nmark:\n\techo x >$(src)/kernel/mark\n")
	local text, code = k:make(modules(user .. "/large"))
	assert_eq(2, code, text)
	assert_contains(text, "The build of a module can write only in its copy")
	assert_eq(kernel, sh("cd large/kernel && ls -la --time-style=full-iso | sha256sum"))
	assert_eq(nil, built("large"))
end)

test("a build that writes to the user's folder by its absolute path fails, and the folder does not change", function()
	write("absolute/Kbuild", ("obj-m := absolute.o\n$(obj)/absolute.o: mark\n.PHONY: mark\nmark:\n\techo x >%s/absolute/mark\n"):format(user))
	write("absolute/absolute.c", layouts.source('"absolute"'))
	local text, code = k:make(modules(user .. "/absolute"))
	assert_eq(2, code, text)
	assert_contains(text, "The build of a module can write only in its copy")
	assert_eq(nil, runner.read(user .. "/absolute/mark"))
end)

test("without Landlock, a module is built in a copy without its large folders", function()
	local state, tree = dir .. "/mirror/state", dir .. "/mirror/tree"
	make_large()
	k:make(k.out .. "/bin/mirror")
	local said = runner.shell(("mkdir -p %s %s && %s/bin/mirror -n %s %s %s/large 2>&1"):format(state, tree, k.out, tree, state, user))
	assert_contains(said, user .. "/large/kernel: left out: it is too large for a copy")
	assert_eq("Kbuild\nlarge.c", runner.shell(("ls %s%s/large"):format(tree, user)))
end)

test("a change of a Lua file in the module's tests/ starts no build, and one of another file there does", function()
	local tested = user .. "/tested"
	write("tested/Kbuild", "obj-m := tested.o\n")
	write("tested/tested.c", layouts.source('"tested"'))
	write("tested/tests/a.lua", "-- one\n")
	-- A file that was saved just now is copied once more by the next make.
	local function builds()
		require "provium.core".pause(0.1)
		return k:make(modules(tested)):find("MODULE\t", 1, true) ~= nil
	end
	assert(builds(), "the first build")
	write("tested/tests/a.lua", "-- two\n")
	write("tested/tests/b.lua", "")
	assert_eq(false, builds())
	sh("rm tested/tests/a.lua")
	assert_eq(false, builds())
	write("tested/tests/vectors.h", "")
	assert_eq(true, builds())
	assert_eq(false, builds())
end)

test("a header outside of the copied folders rebuilds the module when it has changed", function()
	write("faraway/include/value.h", '#define VALUE "first"\n')
	write("reader/Kbuild", ("obj-m := reader.o\nccflags-y := -I%s/faraway/include\n"):format(user))
	write("reader/reader.c", layouts.source("VALUE", "#include <value.h>"))
	assert_eq("reader.o", made(user .. "/reader"))
	assert_eq("", made(user .. "/reader"))
	write("faraway/include/value.h", '#define VALUE "second"\n')
	assert_eq("reader.o", made(user .. "/reader"))
	assert_contains(built("reader"), "layout=second\0")
end)

test("of 100,000 files beside a module, the copy holds only a link to their folder", function()
	write("many/Kbuild", "obj-m := many.o\n")
	write("many/many.c", layouts.source('"many"'))
	sh("mkdir -p many/tree/a many/tree/b && cd many/tree/a && seq 60000 | xargs touch && "
		.. "cd ../b && seq 40000 | xargs touch")
	assert_eq("many.o", made(user .. "/many"))
	local copy = k:copy_of(user .. "/many")
	assert_eq(user .. "/many/tree", runner.shell("readlink " .. copy .. "/tree"))
	assert_eq("", made(user .. "/many"))
end)
