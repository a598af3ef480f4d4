-- SPDX-License-Identifier: GPL-2.0-only
-- The options of boot{}, the values that it refuses, and the end of a VM.

-- Returns the path of a new host file with these bytes.
local function temp(data)
	local path = os.tmpname()
	local file = assert(io.open(path, "wb"))
	assert(file:write(data))
	file:close()
	return path
end

local runner = require "runner"

local message = temp("from the host\n")
local disk, other_disk = temp(("disk"):rep(1 << 18)), temp(("other"):rep(4096))
local vm = provium.create()

test("a call on a VM that is not booted is refused", function()
	assert_error(function() vm:exec("true") end, "not booted")
end)

test("the error for an unknown boot option lists the known options", function()
	assert_error(function() vm:boot { cpu = 2 } end, "unknown option \"cpu\"; the options are: append, cpus, disks")
end)

test("a memory size without a unit or below the minimum is refused", function()
	assert_error(function() vm:boot { memory = "512" } end, "expected a size like \"512M\"")
	assert_error(function() vm:boot { memory = "8M" } end, "8M is too little")
end)

test("the error for a missing host file in `files` has the path", function()
	local other = provium.create()
	assert_error(function() other:boot { files = { ["/x"] = "no/such/file" } } end, "no/such/file.*No such file")
end)

test("the error for an unknown profile lists the known profiles", function()
	assert_error(function() provium.create("nonesuch") end, "no profile \"nonesuch\"; there are: .*" .. provium.profile)
end)

vm:boot {
	cpus = 2, memory = "256M", append = "hello.world=1 provium_test",
	files = { ["/data/below/message"] = message },
	disks = { { path = disk }, { path = other_disk, readonly = true } },
}

test("cpus = 2: two processors are online", function()
	assert_eq("0-1\n", vm:read_file("/sys/devices/system/cpu/online"))
end)

test("memory = \"256M\": MemTotal is at most 256 MiB", function()
	local kb = tonumber(vm:read_file("/proc/meminfo"):match("MemTotal:%s*(%d+) kB"))
	-- The kernel itself takes the rest: with KASAN, a quarter.
	assert(kb > 160 << 10 and kb <= 256 << 10, "MemTotal is " .. kb .. " kB")
end)

test("append: the words are in /proc/cmdline", function()
	assert_contains(vm:read_file("/proc/cmdline"), "hello.world=1 provium_test")
end)

test("files: a folder is copied with modes, links and what is below", function()
	runner.with_folder(function(dir)
		runner.shell(("cd %s && mkdir -p tree/bin tree/empty && printf x >tree/bin/prog && chmod 4750 tree/bin/prog && " ..
			"ln -s bin/prog tree/link && ln -s none tree/broken && chmod 1777 tree/empty"):format(dir))
		local other = provium.create():boot { files = { ["/opt/tree/"] = dir .. "/tree" } }
		local list = other:exec("cd /opt/tree && find . | sort | xargs stat -c '%n %a %F'; cat link; readlink broken").stdout.value
		assert_eq([[
. 755 directory
./bin 755 directory
./bin/prog 4750 regular file
./broken 777 symbolic link
./empty 1777 directory
./link 777 symbolic link
xnone
]], list)
		other:kill()
	end)
end)

test("files: a folder in which a name has blanks is refused with that name", function()
	runner.with_folder(function(dir)
		runner.shell(("mkdir -p '%s/t/a b'"):format(dir))
		assert_error(function() provium.create():boot { files = { ["/t"] = dir .. "/t" } } end,
			'files: guest path "/t/a b": expected an absolute path without blanks')
	end)
end)

test("files: a folder with a socket or a pipe in it is refused with the name", function()
	runner.with_folder(function(dir)
		runner.shell(("mkdir %s/t && mkfifo %s/t/pipe"):format(dir, dir))
		assert_error(function() provium.create():boot { files = { ["/t"] = dir .. "/t" } } end,
			"/t/pipe: expected a regular file, a folder or a link")
	end)
end)

test("files: a host file is copied to the guest, and its folder is made there", function()
	assert_eq("from the host\n", vm:read_file("/data/below/message"))
end)

test("disks: the first one is /dev/vda with its content and size", function()
	assert_eq("diskdisk", vm:exec("head -c 8 /dev/vda").stdout)
	assert_eq(1 << 20, tonumber(vm:read_file("/sys/block/vda/size")) * 512)
end)

test("disks: a file system on a disk keeps its files over a remount", function()
	vm:exec("mkdir -p /mnt/disk")
	assert(vm:exec("mke2fs /dev/vda && mount -t ext2 /dev/vda /mnt/disk").ok)
	vm:write_file("/mnt/disk/kept", "yes")
	assert(vm:exec("umount /mnt/disk && mount -t ext2 -o ro /dev/vda /mnt/disk").ok)
	assert_eq("yes", vm:read_file("/mnt/disk/kept"))
	assert(vm:exec("umount /mnt/disk").ok)
end)

test("disks: the guest cannot write to a disk with readonly = true", function()
	assert_eq("1\n", vm:read_file("/sys/block/vdb/ro"))
	assert_error(function() vm:write_file("/dev/vdb", "x") end, "E[PRA][EOC][RFC][MSE]")
end)

test("a second boot of a VM is refused", function()
	assert_error(function() vm:boot() end, "is running; a VM boots once")
end)

test("the error for a call after shutdown names the VM's state", function()
	vm:shutdown()
	assert_error(function() vm:syscall("getpid") end, "syscall getpid: the VM %(" .. provium.profile .. "%) is shut down")
end)

test("a second shutdown and a kill of a VM that was shut down do nothing", function()
	vm:shutdown()
	vm:kill()
	assert_error(function() vm:exec("true") end, "shut down")
end)

test("kill ends a VM", function()
	local other = provium.create():boot { memory = "128M" }
	assert(other:exec("true").ok)
	other:kill()
	assert_error(function() other:exec("true") end, "shut down")
end)

test("shutdown_all ends every VM of the file", function()
	local other = provium.create():boot { memory = "128M" }
	provium.shutdown_all()
	assert_error(function() other:exec("true") end, "shut down")
end)

test("a test cannot close vm.core, and the VM's calls still work", function()
	local vm = provium.create():boot()
	assert_error(function() local _ <close> = vm.core end, "got a non%-closable value")
	assert_eq("on\n", vm:exec("echo on").stdout)
end)

os.remove(message)
os.remove(disk)
os.remove(other_disk)
