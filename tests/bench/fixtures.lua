-- SPDX-License-Identifier: GPL-2.0-only
-- make bench: the costs of fixtures as ratios to a boot, measured alternately
-- in one run; medians.

local core = require "provium.core"
local fixture = require "provium.fixture"

local ROUNDS = 15

provium.timeout = "20m"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local median = require "bench".median

local function row(name, ours, base, limit, limit_text)
	print(("%-44s %9.3f ms / %9.3f ms = %6.3f  (at most %s)%s"):format(name, ours * 1e3, base * 1e3, ours / base,
		limit_text or limit, ours / base > limit and "  OVER" or ""))
end

-- Returns the seconds from start() to the first answered call of the VM that
-- start() returns.
local function first_answer(start)
	local begin = core.now()
	local vm = start()
	vm:syscall("getpid")
	local seconds = core.now() - begin
	vm:kill()
	return seconds
end

local function boot() return provium.create():boot() end

local function clone(name) return function() return provium.fixture(name) end end

local function times(...)
	local all = {}
	for i = 1, select("#", ...) do all[i] = {} end
	for _ = 1, ROUNDS do
		for i = 1, select("#", ...) do table.insert(all[i], first_answer((select(i, ...)))) end
	end
	for i, t in ipairs(all) do all[i] = median(t) end
	return table.unpack(all)
end

-- --- resuming a fixture, compared with a boot ---

for _, name in ipairs { provium.profile, "small", "large" } do first_answer(clone(name)) end

local booted, resumed = times(boot, clone(provium.profile))
row("resume to the first answer / boot", resumed, booted, 1 / 12, "1/12")

local spares, other = {}, provium.fixture(provium.profile)
for i = 1, ROUNDS do
	fixture.start_spare(provium.profile)
	other:exec("sleep 0.2")		-- stands for a test, during which the next test's clone is resumed
	spares[i] = first_answer(clone(provium.profile))
end
other:kill()
row("resume of a ready spare / boot", median(spares), booted, 1 / 30, "1/30")

local small, large = times(clone("small"), clone("large"))
row("resume of 2 GiB / of 128 MiB", large, small, 1.3)

-- --- many clones ---

local function private_bytes(vm)
	local kb = 0
	for line in io.lines(("/proc/%d/smaps_rollup"):format(vm.core:info().qemu_pid)) do
		kb = kb + (tonumber(line:match("^Private_%a+: *(%d+) kB")) or 0)
	end
	return kb << 10
end

-- All QEMUs are started before the first guest runs.
local begin, vms = core.now(), {}
local image = core.fixture_find(provium.profile, fixture.find_script(provium.profile, "tests"))
for i = 1, 16 do
	vms[i] = core.vm(provium.profile)
	vms[i]:start(image)
end
for _, vm in ipairs(vms) do vm:go(image) end
local all = core.now() - begin
row("16 clones at once / one clone", all, resumed, 40)
for _, vm in ipairs(vms) do vm:kill() end

local first, more = provium.fixture(provium.profile), provium.fixture(provium.profile)
more:exec("true")
local bytes = private_bytes(more)
print(("%-44s %9.1f MiB %27s (at most 30 MiB)%s"):format("private memory of a second clone", bytes / (1 << 20), "",
	bytes > 30 << 20 and "  OVER" or ""))
first:kill()
more:kill()

-- --- rebuilding a fixture ---

local dir = os.tmpname()
os.remove(dir)
assert(os.execute(("mkdir -p %s/fixtures"):format(dir)))
local runner, home = assert(io.popen("readlink /proc/$PPID/exe")):read("l"), core.home()

local function write(name, text)
	local file = assert(io.open(dir .. "/" .. name, "wb"))
	file:write(text)
	file:close()
end

local ko = assert(io.open(("%s/profile/%s/modules/echo.ko"):format(home, provium.profile), "rb")):read("a")
write("fixtures/parent.lua", "dofile('part.lua') provium.create():boot()\n")
write("fixtures/child.lua", "provium.fixture('parent'):insmod('./echo.ko')\n")

local function rebuild(name)
	local start = core.now()
	assert(os.execute(("cd %s && PROVIUM_STORE=%s/store %s fixture build %s </dev/null"):format(dir, dir, runner, name)))
	return core.now() - start
end

local parents, children = {}, {}
for i = 1, 7 do
	write("part.lua", "-- " .. i .. "\n")
	parents[i] = rebuild("parent")
	write("echo.ko", ko)
	rebuild("child")
	write("echo.ko", ko .. "\0")
	children[i] = rebuild("child")
end
os.execute("rm -rf " .. dir)
row("rebuild of a child / of its parent", median(children), median(parents), 1 / 4, "1/4")
assert(true)
