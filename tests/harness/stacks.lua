-- SPDX-License-Identifier: GPL-2.0-only
-- The source files and lines of a stack's entries, from files that the host's
-- compiler makes: a program stands for vmlinux, an object file for a module.

local core = require "provium.core"
local runner = require "runner"
local stack = require "provium.stack"

local CODE = [[
extern volatile int sink;
static inline __attribute__((always_inline)) void inner(void)
{
	sink = 1;
}
int ring_read(int n)
{
	sink = n;
	inner();
	return sink;
}
]]

local MAIN = "volatile int sink; int ring_read(int); int main(void) { return ring_read(1); }\n"

-- Calls fn with a folder that has debug/vmlinux and debug/ring.ko, made with
-- these linker flags, and with a stand-in for a VM that runs them.
local function with_files(flags, fn)
	runner.with_folder(function(dir)
		runner.write(dir .. "/ring.c", CODE)
		runner.write(dir .. "/main.c", MAIN)
		local said = runner.shell(("cd %s && mkdir debug && gcc -g -O1 -c ring.c -o debug/ring.ko " ..
			"-ffunction-sections && gcc -g -O1 -no-pie ring.c main.c -o debug/vmlinux %s 2>&1")
			:format(dir, flags))
		assert_eq("", said)
		local vm = { inserted = {}, core = {} }
		function vm.core.info() return { debug = dir .. "/debug", kernel = dir .. "/debug/vmlinux" } end
		fn(dir, vm)
	end)
end

-- Returns "ring_read+0xOFFSET/0xSIZE" for the place of the inlined store.
local function entry(dir, file)
	local size = runner.shell(("nm -S %s/debug/%s | awk '$4 == \"ring_read\" { print $2 }'"):format(dir, file))
	local at = runner.shell(("objdump -d --disassemble=ring_read %s/debug/%s | awk '/<ring_read>:/ { first = 1; next } " ..
		"first && /\\$0x1,/ { sub(\":\", \"\", $1); print $1; exit }'"):format(dir, file))
	local start = runner.shell(("nm %s/debug/%s | awk '$3 == \"ring_read\" { print $1 }'"):format(dir, file))
	return ("ring_read+0x%x/0x%x"):format(tonumber(at, 16) - tonumber(start, 16), tonumber(size, 16))
end

test("a stack entry in the kernel gets its source line and those of inlined functions", function()
	for _, flags in ipairs { "", "-Wl,-Ttext-segment=0x1e000000" } do
		with_files(flags, function(dir, vm)
			local lines = stack.decode(vm, { "RIP: 0010:" .. entry(dir, "vmlinux"), "Kernel Offset: 0x1e000000 from 0xffffffff81000000" })
			assert_eq(("RIP: 0010:%s  %s/ring.c:4, inlined at %s/ring.c:9"):format(entry(dir, "vmlinux"), dir, dir), lines[1])
			assert_eq("Kernel Offset: 0x1e000000 from 0xffffffff81000000", lines[2])
		end)
	end
end)

test("a stack entry in a module gets its source line if its function has its own section", function()
	with_files("", function(dir, vm)
		local line = stack.decode(vm, { "RIP: 0010:" .. entry(dir, "ring.ko") .. " [ring]" })[1]
		assert_eq(("RIP: 0010:%s [ring]  %s/ring.c:4, inlined at %s/ring.c:9"):format(entry(dir, "ring.ko"), dir, dir), line)
	end)
end)

test("a stack entry of an unknown function, or with another size, stays as it is", function()
	with_files("", function(_, vm)
		local lines = { " no_such+0x1/0x10", " ring_read+0x1/0x900", " ring_read+0x1/0x10 [other]", "no entry" }
		assert_eq(lines, (stack.decode(vm, lines)))
	end)
end)

test("debugging information of another build adds no source lines to stack entries", function()
	with_files("-Wl,--build-id=0x1234", function(dir, vm)
		local line = "RIP: 0010:" .. entry(dir, "vmlinux")
		assert_contains(stack.decode(vm, { line })[1], "ring.c:4")
		local other = dir .. "/other"
		runner.shell(("gcc -no-pie %s/ring.c %s/main.c -o %s -Wl,--build-id=0x5678"):format(dir, dir, other))
		function vm.core.info() return { debug = dir .. "/debug", kernel = other } end
		assert_eq({ line }, (stack.decode(vm, { line })))
	end)
end)

-- Lua's stack has room for few values, and a program gets an argument for each
-- entry.
test("a program that the runner starts can have 20000 arguments", function()
	local words = { "echo" }
	for i = 1, 20000 do words[#words + 1] = tostring(i) end
	local status, said = core.run_tool(words, 30)
	assert_eq(0, status)
	assert(said:find("^1 2 .* 19999 20000\n$"), said:sub(1, 100))
	assert_error(function() core.run_tool({ "echo", 1 }, 30) end, "expected strings")
end)
