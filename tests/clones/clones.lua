-- SPDX-License-Identifier: GPL-2.0-only
-- Clones of fixtures: each test its own, awake at the right time, with random numbers of its own.

local linux = require "linux"
local UUID = "/proc/sys/kernel/random/uuid"

local function random_bytes(vm)
	local n, bytes = vm:syscall_bufs("getrandom", { [0] = ("\0"):rep(32) }, 0, 32, 0)
	assert_eq(32, n)
	return bytes
end

-- --- a clone for each test ---

test("a clone is booted and ready", { fixture = "minimal" }, function(vm)
	assert_eq("hello\n", vm:exec("echo hello").stdout)
	assert(vm:syscall("getpid") > 1)
	vm:write_file("/tmp/mine", "x")
	assert_eq(0, vm:syscall_buf("sethostname", 0, "mine", 0, 4))
end)

test("what an earlier test did, the next one's clone knows nothing of", { fixture = "minimal" }, function(vm)
	assert_error(function() vm:read_file("/tmp/mine") end, "ENOENT")
	assert_ne("mine\n", vm:exec("hostname").stdout)
end)

test("descriptors start where a booted guest's do", { fixture = "minimal" }, function(vm)
	assert_eq(3, vm:syscall_buf("openat", 1, "/proc/version\0", linux.AT_FDCWD, 0, linux.O_RDONLY))
end)

test("a panic costs the test it happens in", { fixture = "minimal", expect_panic = true }, function(vm)
	vm:exec("echo c > /proc/sysrq-trigger")
end)

test("the test after it has a clone that lives", { fixture = "minimal" }, function(vm)
	assert(vm:exec("true").ok)
end)

test("a fixture on top of another has what both did", { fixture = "echo" }, function(vm)
	assert_contains(vm:read_file("/proc/modules"), "echo ")
	assert_contains(vm:read_file("/proc/mounts"), " /sys/kernel/debug debugfs ")
	vm:rmmod("echo")
end)

test("the reference module answers in a clone", { fixture = "kacs" }, function(vm)
	local fd = vm:syscall("kacs_open_self_token", 0, 8)
	assert(fd >= 0, fd)
	assert_eq(0, vm:syscall("close", fd))
end)

test("workers, commands and modules in a clone as anywhere", { fixture = "minimal" }, function(vm)
	local worker = vm:spawn()
	assert_ne(vm:syscall("getpid"), worker:syscall("getpid"))
	vm:insmod("echo")
	vm:rmmod("echo")
end)

test("the machine comes back in the shape it was saved in", { fixture = "minimal" }, function(vm)
	local kb = tonumber(vm:read_file("/proc/meminfo"):match("MemTotal: *(%d+)"))
	assert(kb > 450 << 10 and kb < 512 << 10, kb .. " KiB of memory, of 512 MiB")
	assert_eq("1\n", vm:exec("nproc").stdout)
end)

-- --- awake ---

test("the clock is within a second of the host's", { fixture = "minimal" }, function(vm)
	local guest = tonumber(vm:exec("date +%s").stdout.value)
	assert(math.abs(guest - os.time()) <= 1, ("guest %d, host %d"):format(guest, os.time()))
end)

test("time goes on at the host's pace, and the kernel does not complain of it", { fixture = "minimal" }, function(vm)
	local start = tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+"))
	assert(start < 60, "it has been up for " .. start .. " s")
	vm:exec("sleep 1")
	local slept = tonumber(vm:read_file("/proc/uptime"):match("^[%d.]+")) - start
	assert(slept >= 1 and slept < 5, ("1 s took %.2f s"):format(slept))
	assert_eq("", vm:dmesg("[Ss]tall"))
	assert_eq("", vm:dmesg("clocksource.*unstable"))
	assert_eq("", vm:dmesg("lockup"))
end)

test("the kernel log has a mark, and all that was before it", { fixture = "minimal" }, function(vm)
	assert_contains(vm:dmesg("provium"), "saved as fixture minimal; what follows is after a resume\n")
	assert_contains(vm:dmesg(), "Linux version")
	local all = vm:dmesg()
	vm:exec("echo '<6>one more' >/dev/kmsg; echo '<6>and one' >/dev/kmsg")
	assert_contains(vm:dmesg(), "one more\n")
	assert(#vm:dmesg() > #all)
end)

test("a complaint after the resume is heard", { fixture = "minimal", expect = "WARNING: something" }, function(vm)
	vm:exec("echo '<4>WARNING: something' >/dev/kmsg; echo >/dev/kmsg")
end)

-- --- random numbers ---

test("two clones differ in uuid and getrandom", function()
	local a, b = provium.fixture("minimal"), provium.fixture("minimal")
	assert_ne(a:read_file(UUID), b:read_file(UUID))
	assert_ne(random_bytes(a), random_bytes(b))
	a:kill()
	b:kill()
end)

test("with one seed they agree, and go on agreeing; with another not", function()
	local a, b = provium.fixture("minimal", { seed = 7 }), provium.fixture("minimal", { seed = 7 })
	local c = provium.fixture("minimal", { seed = 8 })
	assert_ne(random_bytes(a), random_bytes(c))
	assert_eq(random_bytes(b), (function() local d = provium.fixture("minimal", { seed = 7 }); return random_bytes(d) end)())
	assert_eq(a:read_file(UUID), b:read_file(UUID))
	-- After seconds, when a kernel left alone would have taken in something new.
	a:exec("sleep 2")
	b:exec("sleep 2")
	assert_eq(a:read_file(UUID), b:read_file(UUID))
	assert_eq(random_bytes(a), random_bytes(b))
	assert_eq(a:exec("cat " .. UUID).stdout.value, b:exec("cat " .. UUID).stdout.value)
	assert_ne(a:read_file(UUID), a:read_file(UUID))
	for _, vm in ipairs { a, b, c } do vm:kill() end
end)

-- --- what is refused ---

test("a fixture that there is not, with those there are", function()
	assert_error(function() provium.fixture("nonesuch") end,
		"there is no fixture \"nonesuch\"; there are: .*echo, .*minimal")
end)

test("a name that is none, options that are none", function()
	assert_error(function() provium.fixture("../minimal") end, "expected a name, got ../minimal")
	assert_error(function() provium.fixture(7) end, "expected a name, got 7")
	assert_error(function() provium.fixture("minimal", { sed = 1 }) end, "unknown option \"sed\"; there are: seed")
	assert_error(function() provium.fixture("minimal", { seed = "x" }) end, "seed: expected an integer, got x")
end)

test("a clone does not boot", { fixture = "minimal" }, function(vm)
	assert_error(function() vm:boot() end, "is running; a VM boots once")
end)
