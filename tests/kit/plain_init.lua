-- SPDX-License-Identifier: GPL-2.0-only
-- What a program finds around itself under the agent, compared to what it finds
-- when a plain init, a shell script, has started it on the same kernel.

local runner = require "runner"

-- The view: a script that shows everything that a program inherits. The shell
-- that runs the script has forked the programs in it.
local VIEW = [[#!/bin/sh
grep -E '^(Uid|Gid|Groups|Umask|Sig(Blk|Ign|Cgt)|ShdPnd|Cap|NoNewPrivs|Seccomp|Cpus_allowed|Mems)' /proc/self/status
cat /proc/self/limits | sed 's/  */ /g'
for f in oom_score_adj personality timerslack_ns cgroup coredump_filter; do
	echo "$f: $(cat /proc/self/$f)"
done
echo "umask: $(umask)"
echo "nice, priority and policy: $(cut -d ' ' -f 18,19,40,41 /proc/self/stat)"
for f in root cwd ns/mnt ns/pid ns/net ns/user ns/cgroup; do echo "$f: $(readlink /proc/self/$f)"; done
echo "path: $PATH"
exit 0
]]

-- The guest's PID 1, a plain init: starts the view as a shell in a session
-- does, and then becomes the agent.
local INIT = [[#!/bin/sh
mount -t devtmpfs dev /dev && mount -t proc proc /proc && mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export HOME=/root PATH=/sbin:/usr/sbin:/bin:/usr/bin
setsid sh -c '/view >/plain; true' </dev/null
umount /sys/fs/cgroup /sys /proc /dev
exec /.provium/agent
]]

local vm, plain
runner.with_folder(function(dir)
	runner.write(dir .. "/view", VIEW)
	runner.write(dir .. "/init", INIT)
	runner.shell(("chmod 755 %s/view %s/init"):format(dir, dir))
	vm = provium.create():boot {
		files = { ["/view"] = dir .. "/view", ["/plain-init"] = dir .. "/init" },
		append = "rdinit=/plain-init",
	}
	plain = vm:read_file("/plain")
end)

-- Compares a view with that of the plain init line by line, so that a failure
-- shows only what differs.
local function assert_same_view(text)
	local expected = plain:gmatch "[^\n]+"
	for line in text:gmatch "[^\n]+" do assert_eq(expected(), line) end
	assert_eq(nil, expected())
end

test("a program of a plain init inherits limits, signals and capabilities", function()
	for _, word in ipairs { "SigIgn:", "CapEff:", "Max open files", "umask: 0022", "cgroup: 0::/",
		"ns/pid: pid:[" } do
		assert_contains(plain, word)
	end
end)

test("a program that run() starts inherits the same as one that a plain init starts", function()
	assert_same_view(vm:run({ "/view" }).stdout.value)
end)

test("the last program of exec() inherits the same as one that a plain init starts", function()
	assert_same_view(vm:exec("/view").stdout.value)
end)

test("the last program of a job inherits the same as one that a plain init starts", function()
	assert_same_view(vm:job_wait(vm:background("/view"), 10).stdout)
end)

test("a program on a terminal inherits the same as one that a plain init starts", function()
	assert_same_view((vm:run({ "/view" }, { tty = true }).stdout.value:gsub("\r", "")))
end)

test("a program that a worker starts inherits the same as one that a plain init starts", function()
	assert_same_view(vm:spawn():run({ "/view" }).stdout.value)
end)

test("the usual devices and links are in /dev", function()
	for _, name in ipairs { "null", "zero", "full", "random", "urandom", "tty", "ptmx" } do
		assert(vm:run({ "test", "-c", "/dev/" .. name }).ok, name)
	end
	assert_eq("x", vm:exec("cat /dev/stdin", { stdin = "x" }).stdout)
	assert_eq("ab", vm:exec("printf a >/dev/stdout; printf b >/dev/fd/1").stdout)
	assert_eq("c", vm:exec("printf c >/dev/stderr").stderr)
end)

test("the usual file systems are mounted", function()
	local mounts = vm:read_file("/proc/mounts")
	for _, mount in ipairs { "proc /proc", "sysfs /sys", "devpts /dev/pts", "tmpfs /dev/shm", "tmpfs /tmp",
		"tmpfs /run", "cgroup2 /sys/fs/cgroup" } do
		assert_contains(mounts, mount .. " ")
	end
end)

test("/tmp and /dev/shm have room for a third of the memory", function()
	for _, dir in ipairs { "/tmp", "/dev/shm" } do
		local kb = tonumber(vm:exec("df -k " .. dir .. " | tail -1 | awk '{ print $4 }'").stdout.value)
		assert(kb > (512 << 10) // 3, dir .. ": kB: " .. kb)
		assert_eq("1777", vm:exec("stat -c %a " .. dir).stdout.trim())
	end
end)

test("the loopback interface is up, and the guest has a name", function()
	assert(vm:exec("ping -c1 -W5 127.0.0.1").ok)
	assert_eq("provium", vm:exec("hostname").stdout.trim())
end)

test("the environment of a program has HOME, PATH, SHELL, TERM and USER", function()
	local env = vm:run({ "env" }).stdout.value
	for _, line in ipairs { "HOME=/root", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", "SHELL=/bin/sh", "TERM=linux",
		"USER=root" } do
		assert_contains("\n" .. env, "\n" .. line .. "\n")
	end
end)
