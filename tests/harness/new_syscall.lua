-- SPDX-License-Identifier: GPL-2.0-only
-- The rows of a .def file, and make new-syscall: errors, and the files that are
-- written.

local runner = require "runner"

local ROOT = runner.shell("realpath " .. runner.quote(debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") .. "/../.."))

-- Runs a shell command without the job server of a make that runs this test.
-- Returns the command's output and status.
local function run(dir, cmd)
	local pipe = io.popen(("cd %s && env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u MODULE sh -c %s </dev/null 2>&1"):format(runner.quote(dir), runner.quote(cmd)))
	local said = pipe:read("a")
	local _, _, status = pipe:close()
	return said, status
end

-- --- the rows of a .def file ---

-- Returns the output of calls.awk for these rows.
local function rows(text, what)
	local said, status
	runner.with_folder(function(dir)
		runner.write(dir .. "/m.def", text)
		said, status = run(ROOT, ("awk -v what=%s -f mk/gen/calls.awk %s/m.def"):format(what or "header", runner.quote(dir)))
		said = said:gsub(dir:gsub("%p", "%%%0") .. "/", "")
	end)
	return said, status
end

local refused = {
	{ "two rows with one number", "1000 a\n\tA.\n1000 b\n\tB.\n", "m.def:3: number 1000 is a's already (line 1)" },
	{ "two rows with one name", "1000 a\n\tA.\n1001 a\n\tA.\n", "m.def:3: there is a a already (line 1)" },
	{ "a number below the range", "999 a\n\tA.\n", "number 999: expected one of 1000 to 1063" },
	{ "a number above the range", "1064 a\n\tA.\n", "number 1064: expected one of 1000 to 1063" },
	{ "a word in place of the number", "one a\n\tA.\n", "number one: expected one of" },
	{ "a name with capitals", "1000 Aa\n\tA.\n", 'name "Aa" of a call: expected small letters' },
	{ "a name that is a word of C", "1000 switch\n\tA.\n", 'name "switch" of a call' },
	{ "an argument that is a word of C", "1000 a int:int\n\tA.\n", 'name "int" of an argument' },
	{ "an unknown type", "1000 a x:float\n\tA.\n", 'argument "x:float": expected NAME:TYPE' },
	{ "an argument without a type", "1000 a x\n\tA.\n", 'argument "x": expected NAME:TYPE' },
	{ "a buffer without a length", "1000 a x:in\n\tA.\n", 'argument "x:in": expected NAME:TYPE' },
	{ "a struct without a tag", "1000 a x:struct\n\tA.\n", 'argument "x:struct": expected NAME:TYPE' },
	{ "an integer with a tag", "1000 a x:int:y\n\tA.\n", 'argument "x:int:y": expected NAME:TYPE' },
	{ "two arguments of one name", "1000 a x:int x:int\n\tA.\n", "a: two arguments are called x" },
	{ "a length with an argument's name", "1000 a x:int y:in:x\n\tA.\n", "a: two arguments are called x" },
	{ "a call that needs seven arguments", "1000 a a:int b:in:c d:in:e f:in:g\n\tA.\n", "a: 7 arguments, and a system call has at most 6" },
	{ "a row without a line of description", "1000 a\n\tEPERM never\n", "m.def:1: a: no line says what it does" },
	{ "a line before the first row", "\tA.\n1000 a\n\tA.\n", "m.def:1: a line about a call, before the first call" },
}
for _, case in ipairs(refused) do
	test("a .def file: " .. case[1] .. " is refused", function()
		local said, status = rows(case[2])
		assert_eq(1, status)
		assert_contains(said, case[3])
	end)
end

test("a .def file: every argument type becomes its C type in the handler's prototype", function()
	local said = rows("1063 all a:int b:u32 c:flags d:s64 e:u64 f:fd\n\tA.\n1000 more a:str b:in:c d:out:e\n\tB.\n" ..
		"1001 most a:inout:b c:struct:tag\n\tC.\n1002 none\n\tD.\n")
	for _, prototype in ipairs {
		"long m_all(int a, u32 b, u32 c, s64 d, u64 e, int f);",
		"long m_more(const char __user *a, const void __user *b, size_t c, void __user *d, size_t e);",
		"long m_most(void __user *a, size_t b, struct tag __user *c);",
		"long m_none(void);", "\nstruct tag;\n", "\tNR_m_all = 1063,\n",
	} do assert_contains(said, prototype) end
end)

test("a .def file: each register of the call is passed to the handler's argument", function()
	local said = rows("1000 a a:s64 b:inout:c d:struct:tag e:str f:u32\n\tA.\n", "source")
	assert_contains(said, "return m_a((s64)args[0], (void __user *)args[1], args[2], " ..
		"(struct tag __user *)args[3], (const char __user *)args[4], (u32)args[5]);")
end)

test("docs/kacs.md is the page that is generated from kacs.def", function()
	local said = run(ROOT, "awk -v what=page -f mk/gen/calls.awk modules/kacs/kacs.def")
	assert_eq(runner.read(ROOT .. "/docs/kacs.md"), said)
end)

-- --- make new-syscall ---

local function new_syscall(dir, args) return run(dir, "make new-syscall " .. args) end

-- Calls fn with a copy of the files that new-syscall reads and writes.
local function with_tree(fn)
	runner.with_folder(function(dir)
		run(ROOT, ("cp -a Makefile mk kernel-configs modules %s && mkdir %s/tests"):format(runner.quote(dir), runner.quote(dir)))
		fn(dir)
	end)
end

local function listing(dir) return (run(dir, "find . -type f -exec sha256sum {} + | sort")) end

with_tree(function(dir)
	local before = listing(dir)
	local refusals = {
		{ "no name", "MODULE=kacs NR=1010", "make new-syscall MODULE=kacs NAME=frobnicate NR=1010 ARGS=" },
		{ "a module that does not exist", "MODULE=nope NAME=x NR=1010", "no nope/nope.def: docs/adding-syscalls.md says how" },
		{ "a module without rows", "MODULE=echo NAME=x NR=1010", "no modules/echo/echo.def" },
		{ "a bad name", "MODULE=kacs NAME=Frob NR=1010", 'name "Frob" of a call' },
		{ "a name of two words", "MODULE=kacs NAME='frob x' NR=1010", 'argument "x"' },
		{ "a name that is taken", "MODULE=kacs NAME=set_sd NR=1010", "there is a set_sd already" },
		{ "a name that is another function's", "MODULE=kacs NAME=token_get NR=1010", "kacs_token_get is something else's name already" },
		{ "a name whose file exists", "MODULE=kacs NAME=sd NR=1010", "modules/kacs/do_sd.c is there already" },
		{ "a number that is taken", "MODULE=kacs NAME=x NR=1004", "number 1004 is install_token's already" },
		{ "a number out of range", "MODULE=kacs NAME=x NR=64", "number 64: expected one of 1000 to 1063" },
		{ "an unknown type", "MODULE=kacs NAME=x NR=1010 ARGS=x:char", 'argument "x:char": expected' },
		{ "a description of two lines", "MODULE=kacs NAME=x NR=1010 DOC='a\n\tb'", "one line each" },
	}
	for _, case in ipairs(refusals) do
		test("make new-syscall: " .. case[1] .. " is refused, and nothing is written", function()
			local said, status = new_syscall(dir, case[2])
			assert_eq(2, status)
			assert_contains(said, case[3])
			assert_eq(before, listing(dir))
		end)
	end

	test("make new-syscall refuses a system call number that another module has", function()
		run(dir, "mkdir modules/other && printf '1010 x\\n\\tX.\\n' >modules/other/other.def")
		local said = new_syscall(dir, "MODULE=kacs NAME=x NR=1010")
		assert_contains(said, "number 1010 is x's already (modules/other/other.def)")
		run(dir, "rm -r modules/other")
	end)

	test("make new-syscall writes .def row, handler and test, and prints the next steps", function()
		local said, status = new_syscall(dir, "MODULE=kacs NAME=frobnicate NR=1010 ARGS='fd:int buf:in:len' DOC='Frobs.'")
		assert_eq(0, status, said)
		assert_contains(said, "Next: fill in that line, then: make test T=kacs_frobnicate")
		assert_contains(runner.read(dir .. "/modules/kacs/kacs.def"), "\n1010 frobnicate fd:int buf:in:len\n\tFrobs.\n")
		assert_contains(runner.read(dir .. "/modules/kacs/do_frobnicate.c"),
			"long kacs_frobnicate(int fd, const void __user *buf, size_t len)\n{\n\treturn -ENOSYS;")
		assert_contains(runner.read(dir .. "/modules/kacs/Kbuild"), "\nkacs-y += do_frobnicate.o\n")
		assert_contains(runner.read(dir .. "/tests/kacs_frobnicate.lua"), 'assert_eq(0, (vm.kacs:frobnicate(0, "")))')
	end)

	test("make new-syscall refuses the name of a system call that the module already has", function()
		local _, status = new_syscall(dir, "MODULE=kacs NAME=twice NR=1011")
		assert_eq(0, status)
		assert_contains(new_syscall(dir, "MODULE=kacs NAME=twice NR=1012"), "there is a twice already")
	end)

	test("make new-syscall takes a module's folder in place of its name", function()
		run(dir, "mkdir mine && cp modules/kacs/kacs.def mine/mine.def && echo 'mine-objs := main.o' >mine/Kbuild")
		local said, status = new_syscall(dir, "MODULE=mine/ NAME=more NR=1040 ARGS='s:str x:struct:thing'")
		assert_eq(0, status, said)
		assert_contains(runner.read(dir .. "/mine/do_more.c"), "long mine_more(const char __user *s, struct thing __user *x)")
	end)
end)
