-- SPDX-License-Identifier: GPL-2.0-only
-- Clones of fixtures: each test gets one, with the host's time and its own
-- random numbers.

local C = provium.const
local UUID = "/proc/sys/kernel/random/uuid"
local BEGAN = os.time()

local function random_bytes(vm)
	local n, bytes = vm:syscall_bufs("getrandom", { [0] = ("\0"):rep(32) }, 0, 32, 0)
	assert_eq(32, n)
	return bytes
end

-- --- a clone for each test ---

test("a clone is booted, and answers calls", { fixture = provium.profile }, function(vm)
	assert_eq("hello\n", vm:exec("echo hello").stdout)
	assert(vm:syscall("getpid") > 1)
	vm:write_file("/tmp/mine", "x")
	assert_eq(0, vm:syscall_buf("sethostname", 0, "mine", 0, 4))
end)

test("a clone does not have the changes that another test made in its clone", { fixture = provium.profile }, function(vm)
	assert_error(function() vm:read_file("/tmp/mine") end, "ENOENT")
	assert_ne("mine\n", vm:exec("hostname").stdout)
end)

test("a clone's first free descriptor is 3, as a booted guest's is", { fixture = provium.profile }, function(vm)
	assert_eq(3, vm:syscall_buf("openat", 1, "/proc/version\0", C.AT_FDCWD, 0, C.O_RDONLY))
end)

test("a test with expect_panic passes when its clone panics", { fixture = provium.profile, expect_panic = true }, function(vm)
	vm:exec("echo c > /proc/sysrq-trigger")
end)

test("a test has a live clone although another test's clone panicked", { fixture = provium.profile }, function(vm)
	assert(vm:exec("true").ok)
end)

test("a clone of a fixture on top of another has the changes of both scripts", { fixture = "echo" }, function(vm)
	assert_contains(vm:read_file("/proc/modules"), "echo ")
	assert_contains(vm:read_file("/proc/mounts"), " /sys/kernel/debug debugfs ")
	vm:rmmod("echo")
end)

local test_of_calls = require("calls").test_on_clones()

test_of_calls("a clone of the kacs fixture answers the module's system calls", { fixture = "kacs" }, function(vm)
	local fd = vm:syscall("kacs_open_self_token", 0, 8)
	assert(fd >= 0, fd)
	assert_eq(0, vm:syscall("close", fd))
end)

test("workers and modules work in a clone", { fixture = provium.profile }, function(vm)
	local worker = vm:spawn()
	assert_ne(vm:syscall("getpid"), worker:syscall("getpid"))
	vm:insmod("echo")
	vm:rmmod("echo")
end)

test("a clone has the memory and processors that the fixture was saved with", { fixture = provium.profile }, function(vm)
	local kb = tonumber(vm:read_file("/proc/meminfo"):match("MemTotal: *(%d+)"))
	assert(kb > 384 << 10 and kb < 512 << 10, kb .. " KiB of memory, of 512 MiB")
	assert_eq("1\n", vm:exec("nproc").stdout)
end)

-- --- a clone's clock ---

test("a clone's clock is within a second of the host's", { fixture = provium.profile }, function(vm)
	local guest = tonumber(vm:exec("date +%s").stdout.value)
	assert(math.abs(guest - os.time()) <= 1, ("guest %d, host %d"):format(guest, os.time()))
end)

test("a clone's time passes at the host's pace, without kernel complaints", { fixture = provium.profile }, function(vm)
	local function uptime() return tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+")) end
	local saved = tonumber(vm:dmesg("saved as fixture"):match("^%[ *([%d.]+)%]"))
	local start = uptime()
	-- It was resumed after this file began. The host's seconds are whole.
	local passed = os.time() - BEGAN
	assert(start - saved < passed + 3, ("%.2f s have passed since the save, in %d s"):format(start - saved, passed))
	vm:exec("sleep 1")
	local slept, took = uptime() - start, os.time() - BEGAN - passed
	assert(slept >= 1 and slept < took + 3, ("1 s took %.2f s, in %d s"):format(slept, took))
	assert_eq("", vm:dmesg("[Ss]tall"))
	assert_eq("", vm:dmesg("clocksource.*unstable"))
	assert_eq("", vm:dmesg("lockup"))
end)

test("a clone's kernel log has a mark after the lines that precede the save", { fixture = provium.profile }, function(vm)
	assert_contains(vm:dmesg("provium"), "saved as fixture " .. provium.profile .. "; what follows is after a resume\n")
	assert_contains(vm:dmesg(), "Linux version")
	local all = vm:dmesg()
	vm:exec("echo '<6>one more' >/dev/kmsg; echo '<6>and one' >/dev/kmsg")
	assert_contains(vm:dmesg(), "one more\n")
	assert(#vm:dmesg() > #all)
end)

test("a complaint after the resume is noticed", { fixture = provium.profile, expect = "WARNING in fault_warn" }, function(vm)
	vm:insmod("faults")
	vm:exec("echo warn >/sys/module/faults/parameters/commit")
end)

-- --- a clone's random numbers ---

test("two clones have different uuids and random bytes", function()
	local a, b = provium.fixture(provium.profile), provium.fixture(provium.profile)
	assert_ne(a:read_file(UUID), b:read_file(UUID))
	assert_ne(random_bytes(a), random_bytes(b))
	a:kill()
	b:kill()
end)

test("clones with the same seed have equal random numbers, even after seconds", function()
	local a, b = provium.fixture(provium.profile, { seed = 7 }), provium.fixture(provium.profile, { seed = 7 })
	local c = provium.fixture(provium.profile, { seed = 8 })
	assert_ne(random_bytes(a), random_bytes(c))
	assert_eq(random_bytes(b), random_bytes(provium.fixture(provium.profile, { seed = 7 })))
	assert_eq(a:read_file(UUID), b:read_file(UUID))
	-- After two seconds a kernel without a seed would have mixed in new
	-- entropy.
	a:exec("sleep 2")
	b:exec("sleep 2")
	assert_eq(a:read_file(UUID), b:read_file(UUID))
	assert_eq(random_bytes(a), random_bytes(b))
	assert_eq(a:exec("cat " .. UUID).stdout.value, b:exec("cat " .. UUID).stdout.value)
	assert_ne(a:read_file(UUID), a:read_file(UUID))
	for _, vm in ipairs { a, b, c } do vm:kill() end
end)

-- --- errors ---

test("the error for an unknown fixture lists the known fixtures", function()
	local err = assert_error(function() provium.fixture("nonesuch") end, "there is no fixture \"nonesuch\"; there are: ")
	for _, name in ipairs { "echo", provium.profile } do assert_contains(tostring(err), name) end
end)

test("a wrong fixture name or option is refused", function()
	assert_error(function() provium.fixture("../other") end, "expected a name, got ../other")
	assert_error(function() provium.fixture(7) end, "expected a name, got 7")
	assert_error(function() provium.fixture(provium.profile, { sed = 1 }) end, "unknown option \"sed\"; the options are: seed")
	assert_error(function() provium.fixture(provium.profile, { seed = "x" }) end, "seed: expected an integer, got x")
end)

test("boot() of a clone is refused", { fixture = provium.profile }, function(vm)
	assert_error(function() vm:boot() end, "is running; a VM boots once")
end)
