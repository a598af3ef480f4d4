-- SPDX-License-Identifier: GPL-2.0-only
-- provium init: the files that it writes, and those that it leaves alone.

local runner = require "runner"

local FILES = { "tests/my_mod.lua", "tests/fixtures/my_mod.lua", ".github/workflows/provium.yml" }

-- Calls fn(dir, init) with a folder that has these files; init(arguments) runs
-- provium init there.
local function with_module(files, fn)
	runner.with_folder(function(dir)
		for name, text in pairs(files) do
			runner.shell(("mkdir -p $(dirname %s/%s)"):format(dir, name))
			runner.write(dir .. "/" .. name, text)
		end
		fn(dir, function(...)
			local r = runner.run({ "init", ... }, { cwd = dir })
			r.said = r.said:gsub(dir:gsub("%p", "%%%0"), "DIR")
			return r
		end)
	end)
end

test("init writes test, fixture, workflow and Makefile into a folder with a Kbuild", function()
	with_module({ Kbuild = "obj-m := my-mod.o\n" }, function(dir, init)
		local r = init()
		assert_eq(0, r.status, r.said)
		for _, file in ipairs(FILES) do assert_contains(r.said, "wrote  " .. file .. "\n") end
		assert_contains(runner.read(dir .. "/tests/my_mod.lua"), 'vm:insmod("my_mod")')
		assert_contains(runner.read(dir .. "/tests/fixtures/my_mod.lua"), 'vm:insmod("my_mod")')
		assert_contains(runner.read(dir .. "/.github/workflows/provium.yml"), 'MODULE="$GITHUB_WORKSPACE"\n')
		assert_contains(r.said, "wrote  Makefile\n")
		assert_contains(runner.read(dir .. "/Makefile"), "test: ; $(MAKE) -C $(PROVIUM) test MODULE=$(CURDIR)\n")
		-- When kbuild reads the Makefile, it does not see the lines
		-- that init wrote.
		assert_eq("", runner.shell(("make -s -C %s KERNELRELEASE=6 -pn -f Makefile 2>/dev/null | grep '^PROVIUM ' || true"):format(dir)))
	end)
end)

test("init writes PROFILE= into the call of make if the kit's own kernel is not in use", function()
	with_module({ Kbuild = "obj-m := my_mod.o\n" }, function(dir, init)
		local name = runner.shell(("ls %s/profile | grep -vx minimal | head -n 1"):format(runner.home))
		if name == "" then skip "only the profile minimal is built here" end
		local r = runner.run({ "init", dir }, { env = { PROFILE = name } })
		assert_contains(r.said, (" test PROFILE=%s MODULE="):format(name))
		assert_contains(runner.read(dir .. "/Makefile"), (" test PROFILE=%s MODULE="):format(name))
	end)
end)

-- Sources with a device, and ioctls of each kind: with their numbers in macros,
-- with a struct that has gaps, with types that init does not know.
local HEADER = [[
#define MY_MAGIC	'm'	/* not 'x' */
#define NAME_LEN 16
struct my_range {
	__u8 kind;
	__u32 min, max;
	char name[NAME_LEN];
	// __u64 gone;
	u16 tail;
};
#define MY_RESET	_IO(MY_MAGIC, 0)
#define MY_SET		_IOW(MY_MAGIC, 0x01, struct my_range)
#define MY_GET		_IOR(MY_MAGIC, 2, __u64)
#define MY_ODD		_IOW(MY_MAGIC, 9, struct other)
struct my_text { __u32 len; const char __user *text; };
#define MY_TEXT		_IOWR(MY_MAGIC, 4, struct my_text)
#define MY_SWAP		_IOWR('m', 3, int)
]]
local DEVICE = 'static struct miscdevice my = { .minor = MISC_DYNAMIC_MINOR, .fops = &fops, .name = "my-dev" };\n'

test("init writes the device and the ioctls of the sources into the test", function()
	local files = { ["src/Kbuild"] = "obj-m := my_mod.o\n", ["include/my.h"] = HEADER, ["src/my.c"] = DEVICE }
	with_module(files, function(dir, init)
		init()
		local text = runner.read(dir .. "/tests/my_mod.lua")
		for _, line in ipairs {
			'local MY_RESET = provium.IO("m", 0)', 'local MY_SET = provium.IOW("m", 1, 32)',
			'local MY_GET = provium.IOR("m", 2, 8)', 'local MY_SWAP = provium.IOWR("m", 3, 4)',
			'test("/dev/my-dev can be opened", { fixture = "my_mod" }, function(vm)',
			'\t-- assert_eq(0, vm:ioctl(fd, MY_RESET))',
			'\t-- assert_eq(0, (vm:ioctl(fd, MY_TEXT, provium.struct("u32 x4 ptr", 1, "text"))))',
			'\t-- assert_eq(0, vm:ioctl(fd, MY_SET, provium.pack("u8 x3 u32 u32 s16 u16 x2", 1, 2, 3, "text", 5)))',
			'\t-- local ret, out = vm:ioctl(fd, MY_GET)',
			'\t-- ret, out = vm:ioctl(fd, MY_SWAP, provium.pack("i32", 1))',
			'\t-- assert_eq({ 0, 1 }, { ret, provium.unpack("i32", out) })',
		} do
			assert_contains("\n" .. text, "\n" .. line .. "\n")
		end
		assert(not text:find("MY_ODD", 1, true), text)
		assert(load(text))
		assert(load((text:gsub("\t%-%- (%l[^\n]*%))\n", "\t%1\n"))))
	end)
end)

test("init writes an example into the test of a module without a device", function()
	with_module({ Kbuild = "obj-m := my_mod.o\n", ["my_mod.c"] = "static struct misc m;\n" }, function(dir, init)
		init()
		local text = runner.read(dir .. "/tests/my_mod.lua")
		assert_contains(text, "\n--[[ To test a device, remove this line and the last one, and put in its name.\ntest(\"/dev/my_mod can")
		assert(load(text))
		assert(load((text:gsub("%-%-%[%[[^\n]*", ""):gsub("%-%-%]%]", ""))))
	end)
end)

test("init finds the module in src/ and behind obj-$(CONFIG_X)", function()
	with_module({ ["src/Makefile"] = "# a comment\nobj-$(CONFIG_MY) += \\\n\tmy_mod.o\nmy_mod-y := a.o\n" }, function(dir, init)
		assert_contains(init(".").said, "wrote  tests/my_mod.lua\n")
		assert_contains(runner.read(dir .. "/tests/my_mod.lua"), "my_mod")
	end)
end)

test("init overwrites nothing, and prints the lines for a Makefile that exists", function()
	local makefile = "obj-m := my_mod.o\n"
	with_module({ Makefile = makefile, ["tests/my_mod.lua"] = "mine\n" }, function(dir, init)
		runner.shell(("mkdir -p %s/tests/fixtures && ln -s /no/such/file %s/tests/fixtures/my_mod.lua"):format(dir, dir))
		local first = init()
		assert_eq(0, first.status, first.said)
		assert_contains(first.said, "kept   tests/my_mod.lua: it exists\n")
		assert_contains(first.said, "kept   tests/fixtures/my_mod.lua: it exists\n")
		assert_contains(first.said, "Add these lines to the Makefile:\n\nifeq ($(KERNELRELEASE),)\nPROVIUM ?= /")
		assert_eq(makefile, runner.read(dir .. "/Makefile"))
		assert_eq("mine\n", runner.read(dir .. "/tests/my_mod.lua"))
		assert_eq("/no/such/file", runner.shell(("readlink %s/tests/fixtures/my_mod.lua"):format(dir)))
		runner.write(dir .. "/Makefile", makefile .. "PROVIUM = x\n")
		local again = init().said
		assert_contains(again, "kept   Makefile: it has lines for Provium\n")
		assert(not again:find("wrote", 1, true), again)
	end)
end)

test("init in a folder of a repository writes the workflow at the repository's top", function()
	with_module({ ["drv/Kbuild"] = "obj-m := my_mod.o\n", [".git/config"] = "" }, function(dir, init)
		local r = init("drv")
		assert_contains(r.said, "wrote  DIR/.github/workflows/provium.yml\n")
		assert_contains(runner.read(dir .. "/.github/workflows/provium.yml"), 'MODULE="$GITHUB_WORKSPACE/drv"\n')
	end)
end)

test("init refuses a folder without a module, a missing folder, and two folders", function()
	with_module({ Makefile = "all:\n" }, function(dir, init)
		local r = init()
		assert_eq(2, r.status)
		assert_contains(r.said, 'init: DIR: expected the folder of a kernel module: neither it nor src/ or module/ in it '
			.. 'has a Kbuild or a Makefile with a line "obj-m := NAME.o"\n')
		assert_contains(init("none").said, "init: there is no folder none\n")
		assert_eq(2, init("a", "b").status)
		assert_eq("Makefile", runner.shell("ls -A " .. dir))
	end)
end)
