-- SPDX-License-Identifier: GPL-2.0-only
-- Fixtures that cannot be built, or are damaged in the store: the errors, and
-- that no clone is made from a damaged one.

local core = require "provium.core"
local runner = require "runner"
local home = require "fixture_home"
local quote, shell = runner.quote, runner.shell

provium.timeout = "10m"

runner.scale_limits()

local USES_BASE = "test('uses it', { fixture = 'base' }, function(vm) assert(vm:exec('true').ok) end)\n"

-- --- fixture scripts that make no fixture ---

-- Runs the test file t.lua, and returns the field "setup" of its test's record:
-- true if the fixture is at fault, nil if the host is.
local function setup_mark(h, more)
	h:run({ "test", "--verdict", h.dir .. "/verdict", "t.lua" }, more)
	return core.json(runner.read(h.dir .. "/verdict.result")).tests[1].setup
end

-- Checks that `fixture build` refuses this script with that message, that a
-- test with the fixture is BROKEN, and that only the lock is left in the store.
-- mark: what setup_mark() returns; nil if the host is at fault, not the script.
local function is_refused(script, says, mark)
	home.with(function(h)
		h:script("base", script)
		h:write("t.lua", USES_BASE)
		local said, status = h:build("base")
		assert_contains(said, says)
		assert_eq(3, status)
		local r = h:run { "test", "t.lua" }
		assert_contains(r.said, "  · uses it ... BROKEN: fixture base: ")
		assert_contains(r.said, says)
		assert_eq(3, r.status)
		assert_eq(mark, setup_mark(h))
		assert_eq(".lock", shell("ls -A " .. h.store .. "/base"))
	end)
end

test("the report of a fixture script that raises an error has the script's line", function()
	is_refused(home.BOOT .. "error('no luck')\n", "no luck\n", true)
	is_refused(home.BOOT .. "\nassert_eq(1, 2)\n", "fixtures/base.lua:3", true)
end)

test("a fixture script with a syntax error is refused", function()
	is_refused("provium.create(\n", "unexpected symbol near <eof>", true)
end)

test("a fixture script that makes no VM is refused", function()
	is_refused("local x = 1\n", "its script made no VM", true)
end)

test("a fixture script that does not boot its VM is refused", function()
	is_refused("provium.create()\n", "its VM is not booted at the script's end, and must be running", true)
end)

test("a fixture script that shuts its VM down is refused", function()
	is_refused("local vm = " .. home.BOOT .. "vm:shutdown()\n", "its VM is shut down at the script's end, and must be running", true)
end)

test("the error for a fixture script that leaves a panicked guest has the panic", function()
	is_refused("local vm = " .. home.BOOT .. "pcall(vm.exec, vm, 'echo c > /proc/sysrq-trigger')\n",
		"its VM is dead at the script's end, and must be running: ", true)
	is_refused("local vm = " .. home.BOOT .. "pcall(vm.exec, vm, 'echo c > /proc/sysrq-trigger')\n", "Kernel panic - ", true)
end)

test("a fixture script whose kernel complains is refused", function()
	is_refused("local vm = " .. home.BOOT .. ("vm:insmod('%s/%s/modules/faults.ko') "):format(runner.home, home.PROFILE) .. "vm:exec('echo warn >/sys/module/faults/parameters/commit')\n",
		"the kernel complained: ", true)
end)

test("a fixture script whose kernel becomes tainted without a report is refused", function()
	is_refused("local vm = " .. home.BOOT .. ("vm:insmod('%s/%s/modules/faults.ko') "):format(runner.home, home.PROFILE) ..
		"vm:exec('echo silent >/sys/module/faults/parameters/commit')\n", "its log has no report of that: a complaint may be missing", true)
end)

test("a fixture whose kernel has coarse timers is booted three times, then refused", function()
	-- Without the timer of its APIC, the second processor has no precise
	-- timer.
	is_refused("print('a boot') provium.create():boot { memory = '128M', cpus = 2, append = 'nolapic_timer' }\n",
		"fixture base: in 3 boots, the kernel could not switch to high-resolution timers")
end)

test("a fixture script that calls test() is refused", function()
	is_refused(home.BOOT .. "test('x', function() end)\n", "test: not allowed in a fixture's script", true)
end)

test("the error for fixtures that need each other shows the cycle", function()
	home.with(function(h)
		h:script("a", "provium.fixture('b')\n")
		h:script("b", "provium.fixture('a')\n")
		local said, status = h:build("a")
		assert_contains(said, "fixture a needs itself: a → b → a")
		assert_eq(3, status)
		h:script("c", "provium.fixture('c')\n")
		assert_contains(h:build("c"), "fixture c needs itself: c → c")
	end)
end)

test("a build of a fixture that fails is tried only once for two tests", function()
	home.with(function(h)
		h:script("base", "io.open(os.getenv('COUNT'), 'a'):write('x')\n")
		h:write("t.lua", USES_BASE .. USES_BASE:gsub("uses it", "uses it, too"))
		h:run({ "test", "t.lua" }, { env = { COUNT = h.dir .. "/count" } })
		assert_eq("x", runner.read(h.dir .. "/count"))
	end)
end)

-- --- damaged files in the fixture store ---

local function flip(path, at)
	local file = assert(io.open(path, "r+b"))
	file:seek("set", at)
	local byte = file:read(1):byte()
	file:seek("set", at)
	file:write(string.char(byte ~ 1))
	file:close()
end

-- Cases { title, file of the fixture, function that damages the file }: a test
-- with the fixture passes with a warning, and the fixture is rebuilt.
local DAMAGE = {
	{ "a truncated ram file: the fixture is rebuilt with a warning", "ram", function(path) shell("truncate -s -4096 " .. path) end },
	{ "a flipped byte in the ram file: the fixture is rebuilt with a warning", "ram", function(path) flip(path, 0x1000010) end },
	{ "a missing ram file: the fixture is rebuilt with a warning", "ram", function(path) os.remove(path) end },
	{ "a flipped byte in the state file: the fixture is rebuilt with a warning", "state", function(path) flip(path, 5000) end },
	{ "an empty state file: the fixture is rebuilt with a warning", "state", function(path) shell("truncate -s 0 " .. path) end },
	{ "the manifest of another QEMU version: the fixture is rebuilt with a warning", "manifest", function(path)
		local text = runner.read(path)
		runner.write(path, (assert(text:gsub('"qemu": "[^"]*"', '"qemu": "QEMU emulator version 9.9.9"'))))
	end },
	{ "a truncated manifest: the fixture is rebuilt with a warning", "manifest", function(path) shell("truncate -s 100 " .. path) end },
}

-- All cases use one home (see fixture_home.lua): each case builds the fixture
-- first if the case before left none.
home.with(function(h)
	h:write("t.lua", USES_BASE)
	for _, case in ipairs(DAMAGE) do
		local name, file, damage = table.unpack(case)
		test(name, function()
			h:build("base")
			local path = h:folder("base") .. "/" .. file
			shell("chmod u+w " .. path)
			damage(path)
			assert_contains(h:run({ "fixture", "list" }).said, file .. " is damaged")
			local r = h:run { "test", "t.lua" }
			assert_eq(0, r.status, r.said)
			assert_contains(r.said,
				"fixture base: " .. path .. " is damaged; the fixture will be built again\n")
			h:is_current("base")
		end)
	end
end)

test("a fixture saved by another version of QEMU is rebuilt, and the reason is shown", function()
	home.with(function(h)
		h:is_rebuilt("base", "not in the store")
		-- A program with QEMU's name, first in PATH, that prints
		-- another version.
		shell("mkdir " .. h.dir .. "/bin")
		runner.write(h.dir .. "/bin/qemu-system-x86_64",
			"#!/bin/sh\n[ \"$1\" = --version ] && { echo 'QEMU emulator version 9.9.9'; exit; }\nexec " ..
			shell("command -v qemu-system-x86_64") .. " \"$@\"\n")
		shell("chmod 755 " .. h.dir .. "/bin/qemu-system-x86_64")
		local said = h:build("base", { env = { PATH = h.dir .. "/bin:" .. os.getenv("PATH") } })
		assert_contains(said, "fixture base: QEMU changed (it was QEMU emulator version ")
	end)
end)

test("clones that write to their memory leave the fixture's files unchanged", function()
	home.with(function(h)
		h:write("t.lua", [[
for i = 1, 4 do
	test("writes " .. i, { fixture = "base" }, function(vm)
		vm:write_file("/tmp/file", ("x"):rep(8 << 20))
		assert_eq(8 << 20, #vm:read_file("/tmp/file"))
	end)
end
]])
		h:is_rebuilt("base", "not in the store")
		local before = shell("cd " .. h:folder("base") .. " && cksum ram state manifest")
		assert_eq(0, h:run({ "test", "t.lua" }).status)
		assert_eq(before, shell("cd " .. h:folder("base") .. " && cksum ram state manifest"))
	end)
end)

test("clones run on when the store is deleted, and later tests pass", function()
	home.with(function(h)
		h:write("t.lua", ([[
test("before", { fixture = "base" }, function(vm)
	os.execute("rm -rf %s")
	assert_eq("on\n", vm:exec("echo on").stdout)
	vm:write_file("/tmp/file", ("x"):rep(1 << 20))
	assert_eq(1 << 20, #vm:read_file("/tmp/file"))
end)
test("after", { fixture = "base" }, function(vm) assert(vm:exec("true").ok) end)
]]):format(h.store))
		local r = h:run { "test", "t.lua" }
		assert_eq(0, r.status, r.said)
	end)
end)

-- --- processes that build a fixture ---

test("three runners that need one fixture at the same time build it once", function()
	home.with(function(h)
		local ends, built, current = {}, 0, 0
		for i = 1, 3 do ends[i] = select(2, runner.start({ "fixture", "build", "-v", "base" }, h:opts())) end
		for i = 1, 3 do
			local status, said = ends[i]()
			assert_eq(0, status, said)
			if said:find("built in", 1, true) then built = built + 1 end
			if said:find("is current", 1, true) then current = current + 1 end
		end
		assert_eq({ 1, 2 }, { built, current })
	end)
end)

test("a fixture builder that is killed leaves no fixture, no QEMU and no lock", function()
	home.with(function(h)
		h:script("base", "local vm = " .. home.BOOT .. "if not io.open('go') then vm:exec('sleep 1000') end\n")
		local pid, finish = runner.start({ "fixture", "build", "base" }, h:opts())
		local qemu
		wait_until(function()
			qemu = runner.qemu_below(pid)
			return qemu
		end, { interval = 0.01, desc = "a QEMU" })
		shell("kill -9 " .. pid)
		finish()
		runner.assert_gone(qemu)
		assert_eq(".lock", shell("ls -A " .. h.store .. "/base"))
		h:write("go", "")
		h:is_rebuilt("base", "not in the store")
	end)
end)

test("an unfinished fixture of a killed builder is removed, and not listed", function()
	home.with(function(h)
		shell(("mkdir -p %s/base/.new.1 && echo x >%s/base/.new.1/ram"):format(h.store, h.store))
		assert_eq("", h:run({ "fixture", "list" }).said)
		h:is_rebuilt("base", "not in the store")
		assert_eq("", shell(("ls -d %s/base/.new.* 2>/dev/null"):format(h.store)))
	end)
end)

-- Returns a prefix for commands: it mounts a file system of 20 MiB at
-- h.dir/small, runs the shell command `first` in h.dir, and then the command.
local function in_small_space(h, first)
	if shell("unshare -rm true 2>&1 || echo no"):find("no") then skip("needs unshare -rm") end
	shell("mkdir -p " .. h.dir .. "/small")
	return { "unshare", "-rm", "sh", "-c", ("cd %s && mount -t tmpfs -o size=20m none small && %s && shift && cd suite && exec \"$@\"")
		:format(quote(h.dir), first), "sh", "--" }
end

test("no space in the store: the build fails with the store's path, exit status 3", function()
	home.with(function(h)
		local small = { prefix = in_small_space(h, "true"), env = { PROVIUM_STORE = h.dir .. "/small" } }
		local said, status = h:build("base", small)
		assert_contains(said, "no space left in " .. h.dir .. "/small")
		assert_eq(3, status)
		h:write("t.lua", USES_BASE)
		assert_eq(nil, setup_mark(h, small))
	end)
end)

test("no space for a guest's write to its disk: the VM's end names that reason", function()
	home.with(function(h)
		h:write("t.lua", [[
			local vm = provium.create():boot {
				memory = "128M", disks = { { path = "../small/disk.img" } },
			}
			test("fills its disk", function() vm:exec("cat /dev/zero >/dev/vda; sync") end)
		]])
		local r = h:run({ "test", "t.lua" }, { prefix = in_small_space(h, "truncate -s 64M small/disk.img") })
		assert_contains(r.said, "QEMU stopped the machine: writing to a disk: No space left on device")
		assert_eq(3, r.status, r.said)
	end)
end)

test("a user who does not own the checkout has a fixture store in their own folder", function()
	if shell("id -u") ~= "0" then skip("needs root") end
	if shell("command -v setpriv") == "" then skip("needs setpriv") end
	home.with(function(h)
		h:write("t.lua", USES_BASE)
		h:is_rebuilt("base", "not in the store")
		shell(("mkdir %s/cache && chown 65534 %s/cache && chmod -R a+rX %s"):format(h.dir, h.dir, h.dir))
		local nobody = h:opts { prefix = { "setpriv", "--reuid", "65534", "--clear-groups" },
			env = { XDG_CACHE_HOME = h.dir .. "/cache" } }
		local r = runner.run({ "test", "t.lua" }, nobody)
		assert_eq(0, r.status, r.said)
		assert(shell("ls -d " .. h.dir .. "/cache/provium/fixtures*/base/[0-9a-f]*") ~= "", "nothing in nobody's store")
		-- A store that belongs to root is not used by another user,
		-- even if that user names it.
		nobody.env.PROVIUM_STORE = h.store
		assert_eq(0, runner.run({ "test", "t.lua" }, nobody).status)
		assert_eq("1", shell("ls -d " .. h.store .. "/base/[0-9a-f]* | wc -l"))
	end)
end)

-- --- inputs of a fixture that change ---

-- A library for LD_PRELOAD that sets the clock back by a day.
local CLOCK = [[
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
	int ret = (int)syscall(SYS_clock_gettime, id, t);
	if (id == CLOCK_REALTIME)
		t->tv_sec -= 86400;
	return ret;
}
time_t time(time_t *to)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return to ? *to = t.tv_sec : t.tv_sec;
}
]]

test("a fixture whose inputs have dates in the future is built and used", function()
	if shell("command -v cc") == "" then skip("needs a C compiler") end
	home.with(function(h)
		runner.write(h.dir .. "/clock.c", CLOCK)
		assert_eq("", shell(("cc -shared -fPIC -o %s/clock.so %s/clock.c 2>&1"):format(h.dir, h.dir)))
		h:write("t.lua", USES_BASE)
		local r = h:run({ "test", "t.lua" }, { env = { LD_PRELOAD = h.dir .. "/clock.so" } })
		assert_eq(0, r.status, r.said)
		h:is_current("base")
	end)
end)

for _, file in ipairs { "out/initramfs/base.cpio", "out/" .. home.PROFILE .. "/modules/echo.ko" } do
	test(("a fixture whose %s changes while it is built is refused"):format(file:match("[^/]*$")), function()
		home.with(function(h)
			h:script("base", ("local vm = %svm:insmod('echo')\nassert(os.execute('printf x >>%s/%s'))\n"):format(home.BOOT, h.dir, file))
			local said, status = h:build("base")
			assert_contains(said, ("%s/%s changed while the fixture was being built from it"):format(h.dir, file))
			assert_eq(3, status)
			assert_eq(".lock", shell("ls -A " .. h.store .. "/base"))
		end)
	end)
end
