-- SPDX-License-Identifier: GPL-2.0-only
-- MODULE=: folders of modules as users have them are built, and are not
-- changed.

local kit = require "kit"
local layouts = require "layouts"
local runner = require "runner"
local session = require "provium.session"

provium.timeout = "30m"

for _, file in ipairs {
	"dkms/build", "dkms/bin/make", "modules.mk", "user-module.mk", "lock.sh", "module-messages.awk",
	"confine/confine.c",
} do
	session.depend(kit.root .. "/mk/" .. file)
end
for _, file in ipairs { "files", "git", "list", "main", "mention", "walk" } do
	session.depend(("%s/mk/mirror/%s.c"):format(kit.root, file))
end

local dir, _ <close> = runner.new_folder()
local k = kit.new(dir)
local user = dir .. "/user"

local function sh(cmd) return runner.shell(("cd %s && { %s\n} 2>&1"):format(user, cmd)) end

local function write(path, content) runner.add_file(user .. "/" .. path, content) end

os.execute("mkdir " .. user)
local folders, folder_of = {}, {}
for _, l in ipairs(layouts) do
	for path, content in pairs(l.files) do write(path, content) end
	if l.shell then sh(l.shell) end
	folder_of[l.name] = user .. "/" .. l.module
	folders[#folders + 1] = folder_of[l.name]
end

-- Returns names, types, sizes, dates and contents of all of the user's files.
local function state()
	return runner.shell(([[cd %s && find . -printf '%%p %%y %%m %%s %%T@ %%C@ %%l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum]]):format(user))
end

-- The modules of the kit are not needed here.
local function modules(list) return ("modules KIT_MODULES= CONFIG_LAYOUT=m MODULE='%s'"):format(list) end

local function built(path) return runner.read(("%s/%s.ko"):format(k.modules, path)) end

local ALL = modules(table.concat(folders, " "))

if not k:has_kernel() then
	test("module layouts", function() skip("the kernel was built with another KERNEL_SRC=") end)
	return
end

local before = state()

local all -- output and status of the make that built every layout, once it has run

local function build_all()
	all = all or { k:make("-j2 " .. ALL) }
	return table.unpack(all)
end

-- Builds the layout of this name, and the one whose symbols it needs, unless
-- every layout is built.
local function build(name)
	if all then return end
	local said, status = k:make(modules((name == "user" and user .. "/core " or "") .. folder_of[name]))
	assert_eq(0, status, said)
end

test("make modules builds every layout in one run", function()
	local said, status = build_all()
	assert_eq(0, status, said)
end)

for _, l in ipairs(layouts) do
	test(("layout %s: its modules are built from its own files"):format(l.name), function()
		build(l.name)
		for name, value in pairs(l.ko) do
			assert_contains(assert(built(name), name .. ".ko was not built"), ("layout=%s\0"):format(value))
		end
	end)
end

test("a build changes neither contents nor dates of the user's folders", function()
	build_all()
	assert_eq(before, state())
end)

test("file names with shell characters are not run as commands in a build of a module", function()
	build "names"
	assert_eq("", runner.shell(("cd %s && ls -d ran a its.txt b.txt 2>/dev/null"):format(runner.quote(kit.root))))
	assert_eq("", sh("find . -name ran"))
end)

test("a second make builds no module, even one whose build writes into its own folder", function()
	build_all()
	local again, code = k:make(ALL)
	assert_eq(0, code, again)
	assert(not again:find("  MODULE\t", 1, true), again)
	assert_eq(before, state())
end)

test("__FILE__ in a module is the path of the user's file", function()
	build "assembly"
	assert_contains(built("assembly"), ("file=%s/assembly/main.c\0"):format(user))
end)

test("the modules of every layout of a module's folder can be loaded", function()
	build_all()
	local vm = provium.create():boot()
	for _, l in ipairs(layouts) do
		for name in pairs(l.ko) do
			local needs_another = name == "several_b" or name == "layout_user" or name == "dkms_user"
			if not needs_another then vm:insmod(("%s/%s.ko"):format(k.modules, name)) end
		end
	end
	vm:insmod(k.modules .. "/several_b.ko")
	vm:insmod(k.modules .. "/layout_user.ko")
	vm:insmod(k.modules .. "/dkms_user.ko")
	assert_contains(vm:read_file("/proc/modules"), "layout_core 16384 1 layout_user")
end)

-- --- what make builds again after a change ---

-- Builds these layouts, and returns the objects in their copies that this build
-- has made.
local function made(list) return k:made(modules(list), user) end

local several = user .. "/several"

test("after the change of one source, only that source is compiled", function()
	build "several"
	write("several/deeper/second.c", "int several_second = 2;\n")
	assert_eq("second.o\nseveral_c.o", made(several))
end)

test("a source with an older date and another content is compiled", function()
	build "several"
	write("several/deeper/second.c", "int several_second = 3;\n")
	sh("touch -d 2001-01-01 several/deeper/second.c")
	assert_eq("second.o\nseveral_c.o", made(several))
end)

test("a file that only got a new date is not compiled again", function()
	build "several"
	sh("touch several/deeper/second.c")
	assert_eq("", made(several))
end)

test("a build that makes the same module keeps the module's date, and so the verdicts", function()
	local source, ko = "several/deeper/second.c", k.modules .. "/several_c.ko"
	local function date() return runner.shell("stat -c %y " .. runner.quote(ko)) end
	build "several"
	local before = date()
	assert(before ~= "")
	write(source, "int several_second = 5;\n")
	made(several)
	local changed = date()
	assert(changed ~= before)
	write("several/NOTES", "text\n")
	write(source, "int several_second = 5; /* a comment */\n")
	assert_eq("second.o\nseveral_c.o", made(several))
	assert_eq(changed, date())
	write(source, "int several_second =\n")
	local _, code = k:make(modules(several))
	assert_eq({ 2, nil }, { code, built("several_c") })
	write(source, "int several_second = 5;\n")
	made(several)
	assert_eq(changed, date())
end)

test("a module that the makefile no longer lists is removed from the built modules", function()
	build "several"
	write("several/Kbuild", "obj-m := several_a.o\n")
	made(several)
	assert(built("several_a"))
	assert_eq(nil, built("several_b"))
	assert_eq(nil, built("several_c"))
end)

test("a source that was removed fails the build, despite its old object", function()
	build "several"
	sh("rm several/several_a.c")
	local text, code = k:make(modules(several))
	assert_eq(2, code)
	assert_contains(text, "several_a")
	assert_eq(nil, built("several_a"))
end)

test("after a commit, git describe in the makefile gives the new state", function()
	build "git"
	sh("cd git && git commit -q --allow-empty -m second && git tag v1.7")
	made(user .. "/git/drv")
	assert_contains(built("in_git"), "layout=v1.7 v1.7 seven\0")
	assert_eq("", sh("cd git && git status --porcelain"))
end)

test("patches of dkms.conf are applied once, and again to a source that has changed", function()
	build "dkms-patch"
	local folder = user .. "/dkms-patch"
	assert_eq("", made(folder))
	write("dkms-patch/dkms_patched.c", layouts.source("WORD", '#define WORD "original"') .. "int dkms_patched;\n")
	assert_eq("dkms_patched.o", made(folder))
	assert_contains(built("dkms_patched"), "layout=patched twice\0")
	write("dkms-patch/dkms.conf", "PACKAGE_NAME=dkms_patched\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION[0]=/extra\n")
	assert_eq("dkms_patched.o", made(folder))
	assert_contains(built("dkms_patched"), "layout=original\0")
end)

-- --- builds that fail ---

test("a build that fails names the user's file, and leaves no module of an earlier build", function()
	local folder = user .. "/kbuild"
	made(folder)
	assert(built("in_kbuild"))
	write("kbuild/in_kbuild.c", layouts.source("1 +"))
	local text, code = k:make(modules(folder))
	assert_eq(2, code)
	assert_contains(text, "\nDIR/user/kbuild/in_kbuild.c:")
	assert(not text:find(".modules/tree", 1, true), text)
	assert_eq(nil, built("in_kbuild"))
	assert_eq(folder .. "\n", runner.read(k.modules .. "/kbuild.failed"))

	runner.write(dir .. "/provium.toml", runner.profile_toml { modules = k.modules })
	runner.write(dir .. "/t.lua", "provium.create():boot():insmod('in_kbuild')\n")
	local r = runner.run({ "test", "t.lua" }, { cwd = dir })
	assert_eq(1, r.status, r.said)
	assert_contains(r.said, "there is no module in_kbuild in " .. k.modules)
	assert_contains(r.said, (": the last build of %s failed"):format(folder))

	write("kbuild/in_kbuild.c", layouts.source('"repaired"'))
	made(folder)
	assert_contains(built("in_kbuild"), "layout=repaired\0")
	assert_eq(nil, runner.read(k.modules .. "/kbuild.failed"))
end)

test("the error for a missing symbol names the kernel's option that provides it", function()
	write("symbol/Kbuild", "obj-m := symbol.o\n")
	write("symbol/symbol.c", layouts.source('"symbol"') .. "int i2c_register_driver(void);\nint no_such_symbol(void);\n" ..
		"static int __init use(void) { return i2c_register_driver() + no_such_symbol(); }\nmodule_init(use);\n")
	local text, code = k:make(modules(user .. "/symbol"))
	assert_eq(2, code)
	assert_contains(text, 'Put the line "CONFIG_I2C=y" into a file and give make CONFIG=FILE')
	assert_contains(text, "no_such_symbol: no file of the kernel exports this symbol")
end)

test("CONFIG= configures the kernel anew with the user's options, and refuses a file that is not there", function()
	write("mine.config", "CONFIG_I2C=y\n")
	assert_contains(k:make("-n kernel CONFIG=user/mine.config"), "  CONFIG\t")
	assert(not k:make("-n kernel"):find("  CONFIG\t", 1, true))
	local text, code = k:make("-n kernel CONFIG=user/none.config")
	assert_eq(2, code)
	assert_contains(text, "CONFIG=user/none.config: there is no file DIR/user/none.config")
end)

local FOREIGN = "ARCH=arm64 CROSS_COMPILE=none- LLVM=1 KCFLAGS=-Dnone= KBUILD_OUTPUT=/none W=1 C=1 CDPATH=/ O=/none T=none N=x " ..
	"V=1 NAME=x SAN=1 KERNEL_SRC=/none KBUILD_EXTMOD=/none LOCALVERSION=-none"

test("variables of other projects in the environment do not change a module's build", function()
	build "config"
	write("config/in_config.c", layouts.source('"environment"'))
	local text, code = k:make(modules(user .. "/config"), { env = FOREIGN })
	assert_eq({ 0, "  MODULE\tDIR/user/config\n" }, { code, text })
	assert_contains(built("in_config"), "layout=environment\0")
end)

test("make -n with another compiler writes nothing", function()
	build "kbuild"
	local flags = runner.read(k.out .. "/obj/.flags")
	assert_contains(k:make("-n CC=clang modules"), "  CC\t")
	assert_eq(flags, runner.read(k.out .. "/obj/.flags"))
end)

test("a copied checkout does not use what the old one has built", function()
	write("kbuild/in_kbuild.c", layouts.source('"first"'))
	made(user .. "/kbuild")
	local copy = kit.new(dir .. "/copy")
	os.execute(("cp -a %s/kernel %s/obj %s/bin %s/gen %s/ 2>/dev/null"):format(k.out, k.out, k.out, k.out, copy.out))
	write("kbuild/in_kbuild.c", layouts.source('"copied"'))
	local text, code = copy:make(modules(user .. "/kbuild"))
	assert_eq(0, code, text)
	assert_contains(runner.read(copy.modules .. "/in_kbuild.ko"), "layout=copied\0")
	assert_contains(built("in_kbuild"), "layout=first\0")
end)

test("MODULE=. with make -C means the folder in which make was started", function()
	local text, code = k:make("modules KIT_MODULES= MODULE=.", { cwd = user .. "/makefile" })
	assert_eq(0, code, text)
	assert(built("in_makefile"))
	assert_eq(nil, built("in_kbuild"))
end)

write("empty/README", "text\n")
write("none/Kbuild", "obj-$(CONFIG_NOT_GIVEN) := none.o\n")
write("none/none.c", layouts.source('"none"'))
write("pair/a/Kbuild", "obj-m := in_kbuild.o\n")
write("pair/b/Kbuild", "obj-m := b.o\n")
write("pair/a/in_kbuild.c", layouts.source('"pair"'))
write("colon:x/Kbuild", "obj-m := b.o\n")

local function dkms(name, lines)
	write(name .. "/dkms.conf", ("PACKAGE_NAME=%s\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION=/extra\n%s\n"):format(name, lines))
	write(name .. "/Makefile", "obj-m := refused.o\n")
	write(name .. "/refused.c", layouts.source('"refused"'))
end
dkms("another-kernel", "BUILD_EXCLUSIVE_KERNEL='^2\\.4'")
dkms("option", "BUILD_EXCLUSIVE_CONFIG='CONFIG_MODULES CONFIG_NO_SUCH'")
dkms("not-made", "BUILT_MODULE_NAME=other")
dkms("no-patch", "PATCH=none.patch")
dkms("command", "BUILT_MODULE_NAME=refused MAKE='echo no; false'")

local refused = {
	{ "a DKMS package for another kernel", "MODULE=user/another-kernel", "DIR/user/another-kernel/dkms.conf: the package is not for " },
	{ "a DKMS package that needs an option", "MODULE=user/option", "the package needs a kernel with CONFIG_NO_SUCH, and " },
	{ "a DKMS package whose command makes another module", "MODULE=user/not-made",
		"MAKE did not make other.ko, the module of BUILT_MODULE_NAME[0]; the command was: make " },
	{ "a DKMS package without its patch", "MODULE=user/no-patch", "PATCH: there is no file patches/none.patch" },
	{ "a DKMS package whose command fails", "MODULE=user/command", "MAKE failed: echo no; false" },
	{ "a folder that does not exist", "MODULE=nosuch", "MODULE=nosuch: there is no folder DIR/nosuch. Give the folder of a module" },
	{ "a path with a blank", "MODULE='user/names/old tests'", "a path with a blank in it must be renamed" },
	{ "a path with a colon", "MODULE=user/colon:x", "MODULE=DIR/user/colon:x: the path has a ':', which make cannot handle" },
	{ "Provium's own folder", "MODULE=" .. kit.root, "this is Provium's own folder" },
	{ "a folder without a makefile", "MODULE=user/empty", "MODULE=DIR/user/empty: not the folder of a module" },
	{ "a folder with two modules below it", "MODULE=user/pair",
		'there is more than one module. Choose one of its folders, or several: MODULE="DIR/user/pair/a DIR/user/pair/b"' },
	{ "a makefile whose condition does not hold", "MODULE=user/none",
		"MODULE=DIR/user/none: the build made no module: DIR/user/none has no obj-m line that counts" },
	{ "two modules of one name", "MODULE='user/pair/a user/kbuild'",
		"these have one name: DIR/user/pair/a/in_kbuild.ko DIR/user/kbuild/in_kbuild.ko" },
}
for _, case in ipairs(refused) do
	test(("MODULE= with %s is refused with what to do"):format(case[1]), function()
		local text, code = k:make("modules KIT_MODULES= " .. case[2])
		assert_eq(2, code, text)
		assert_contains(text, case[3])
	end)
end
