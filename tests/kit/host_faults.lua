-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the host while a VM runs: limits of the user, full disks, stopped
-- and killed processes. Each is reported with its cause, and the run leaves
-- nothing behind.

local core = require "provium.core"
local home = require "fixture_home"
local runner = require "runner"
local quote, shell = runner.quote, runner.shell

runner.scale_limits()

-- Returns the pids of the processes that have this text in their environment.
local function processes_with(text)
	return shell(("grep -lsaF -- %s /proc/[0-9]*/environ | tr -cd '0-9\n'"):format(quote(text)))
end

-- Calls fn(run, dir).  run(args, opts) is runner.run() with the options of
-- runner.command() and limits = "-n 20", the arguments of ulimit.  Afterwards
-- no process of such a run may be left, and no file in $TMPDIR or /dev/shm (the
-- ledger of a user stays).
local function with_traces(fn)
	runner.with_folder(function(dir)
		local mark = "PROVIUM_HOST_FAULT=" .. dir
		shell(("mkdir %s/tmp %s/gate && chmod 755 %s"):format(dir, dir, dir))
		local function options(opts)
			opts = opts or {}
			local env = { PROVIUM_HOST_FAULT = dir, TMPDIR = dir .. "/tmp", PROVIUM_GATE = dir .. "/gate" }
			for name, value in pairs(runner.probed()) do env[name] = value end
			for name, value in pairs(opts.env or {}) do env[name] = value or nil end
			local prefix = opts.prefix or { runner.timeout, "-k", "5", "100" }
			if opts.limits then
				table.move({ "bash", "-c", ("ulimit %s; exec \"$@\""):format(opts.limits), "bash" }, 1, 4, #prefix + 1, prefix)
			end
			return { cwd = opts.cwd, env = env, prefix = prefix, runner = opts.runner }
		end
		fn(function(args, opts) return runner.run(args, options(opts)) end, dir, options)
		wait_until(function() return processes_with(mark) == "" end,
			{ timeout = 5, interval = 0.02, desc = "the end of the run's processes" })
		assert_eq("", shell("ls -A " .. dir .. "/tmp"))
		assert_eq("", shell("ls -A /dev/shm | grep -v '^provium-'"))
	end)
end

-- --- limits of the user ---

test("a limit of 30 open files: a second VM starts without the fork server", function()
	with_traces(function(run)
		local r = run({ "test", "vm_twice.lua" }, { limits = "-n 30" })
		assert_eq(0, r.status, r.said)
	end)
end)

test("a limit of open files that is too low: BROKEN, and the message names the limit", function()
	with_traces(function(run)
		local n = 4
		-- ld.so needs some descriptors itself.
		while run({ "version" }, { limits = "-n " .. n }).status == 127 do n = n + 1 end
		local r, seen = nil, {}
		repeat
			r = run({ "test", "vm_good.lua" }, { limits = "-n " .. n })
			local message = r.said:match("BROKEN: ([^\n]*)") or r.said:match("^provium: ([^\n]*)")
			if r.status ~= 0 then
				assert_eq(3, r.status, r.said)
				assert_contains(r.said, "Too many open files")
				if not message:find("QEMU exited", 1, true) then
					assert_contains(message, "Too many open files; raise the limit of open files (ulimit -n)")
				end
				seen[message:match("cannot [%a/]+ [%a/-]+")] = true
			end
			n = n + 1
		until r.status == 0 or n > 60
		assert_eq(0, r.status, r.said)
		for _, step in ipairs { "cannot open the", "cannot read /proc/meminfo", "cannot create the",
				"cannot start qemu-system-x" } do
			assert(seen[step], step)
		end
	end)
end)

-- Returns the prefix for a command that another user runs, with at most n
-- processes.
local function as_user(uid, n)
	if shell("id -u") ~= "0" then skip("needs root") end
	if shell("command -v setpriv") == "" then skip("needs setpriv") end
	return { runner.timeout, "-k", "5", "100", "setpriv", "--reuid", uid, "--clear-groups",
		"prlimit", n and ("--nproc=%d"):format(n) or "--core=0" }
end

test("a limit of processes that is too low: BROKEN, and the message names the limit", function()
	local CAUSE = "Resource temporarily unavailable; raise the limit of processes (ulimit -u)\n"
	with_traces(function(run, dir)
		shell(("mkdir %s/home && chown 61234 %s/home %s/gate"):format(dir, dir, dir))
		for n, expected in pairs {
			"(the file) ... BROKEN: cannot start the file's process: " .. CAUSE,
			"BROKEN: boot " .. provium.profile .. ": cannot start qemu-system-x86_64: " .. CAUSE,
			[4] = "qemu_thread_create: Resource temporarily unavailable",
		} do
			local r = run({ "test", "vm_good.lua" }, {
				prefix = as_user("61234", n),
				env = { HOME = dir .. "/home", XDG_CACHE_HOME = "" },
			})
			assert_contains(r.said, expected)
			assert_eq(3, r.status, r.said)
		end
	end)
end)

test("a limit of file sizes that is too low: BROKEN, and the message names the limit", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { limits = "-f 0" })
		assert_contains(r.said, "BROKEN: boot " .. provium.profile .. ": gate: cannot write the ledger: File too large; " ..
			"raise the limit of file sizes (ulimit -f)\n")
		assert_eq(3, r.status, r.said)
	end)
end)

test("a limit of memory that QEMU exceeds: BROKEN with QEMU's message", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { limits = "-v 300000" })
		assert_contains(r.said, "BROKEN: boot " .. provium.profile .. ": QEMU exited with status 1:")
		assert_contains(r.said, "Cannot allocate memory")
		assert_eq(3, r.status, r.said)
	end)
end)

-- --- stopped processes ---

-- Seconds that a process is stopped, beyond a call's limit; PROVIUM_STOP_S=30
-- for a long check.
local STOP_S = tonumber(os.getenv("PROVIUM_STOP_S")) or 1

-- Runs vm_waits.lua and stops processes of it during its calls: those whose
-- pids choose(runner's pid, QEMU's) returns. Returns the status and the output.
local function stop_some(choose)
	local status, said
	with_traces(function(_, dir, options)
		local pid, finish = runner.start({ "test", "vm_waits.lua" }, options { prefix = {} })
		local limit_s = wait_until(function() return tonumber(runner.read(dir .. "/calls")) end,
			{ timeout = 20, interval = 0.02, desc = "the first call" })
		local pids = choose(pid, runner.qemu_below(pid))
		shell("kill -STOP " .. pids)
		core.pause(limit_s + STOP_S)
		shell("kill -CONT " .. pids)
		status, said = finish()
	end)
	return status, said
end

test("a runner that was stopped for longer than a call's limit accepts the answer", function()
	local status, said = stop_some(function(pid)
		return pid .. " " .. shell(("cat /proc/%d/task/%d/children"):format(pid, pid))
	end)
	assert_eq(0, status, said)
end)

test("QEMU stopped for longer than a call's limit: the call fails, and the run ends", function()
	local status, said = stop_some(function(_, qemu) return qemu end)
	assert_contains(said, "exec \"sleep 0.3\": no result within ")
	assert_eq(1, status, said)
end)

-- --- killed runners ---

-- Moments at which the runner is killed: { what it does then, a shell command
-- that succeeds as soon as the runner does it }. STORE stands for the path of
-- the fixture store. The shell commands start no process, because a save takes
-- little time. The runner builds a fixture, uses two clones of it and shuts a
-- third one down.
local PHASES = {
	{ "boots a VM", "true" },
	{ "saves a fixture", "set -- STORE/base/.new.*; test -e $1" },
	{ "resumes a fixture", "set -- STORE/base/[0-9a-f]*; test -e $1" },
	{ "shuts a VM down", "test -e stops" },
}

-- All of these tests use one home (see fixture_home.lua): the third test builds
-- the fixture.
home.with(function(h)
	h:write("t.lua", [[
		for i = 1, 2 do test("clone " .. i, { fixture = "base" }, function(vm) assert(vm:exec("true").ok) end) end
		local vm = provium.fixture("base")
		io.open("stops", "w"):close()
		vm:shutdown()
	]])
	for _, phase in ipairs(PHASES) do
		local doing, command = table.unpack(phase)
		test(("SIGKILL of a runner that %s leaves no process"):format(doing), function()
			with_traces(function(_, _, options)
				local opts = options(h:opts { env = { PROVIUM_STORE = h.store } })
				opts.prefix = {}
				os.remove(h.suite .. "/stops")
				local pid, finish = runner.start({ "test", "t.lua" }, opts)
				wait_until(function()
					return runner.qemu_below(pid)
				end, { timeout = 20, interval = 0.01, desc = "QEMU" })
				shell(("cd %s; until %s || ! kill -0 %d 2>&-; do :; done; kill -KILL %d"):format(quote(h.suite),
					command:gsub("STORE", h.store), pid, pid))
				assert_eq(137, (finish()))
			end)
		end)
	end

	test("the run after killed runners passes, and removes unfinished fixtures", function()
		shell(("mkdir -p %s/base/.new.1"):format(h.store))
		shell("rm -rf " .. h.store .. "/base/[0-9a-f]*")
		local r = h:run({ "test", "t.lua" }, { env = { PROVIUM_STORE = h.store } })
		assert_eq(0, r.status, r.said)
		assert_eq("", shell("ls -d " .. h.store .. "/base/.new.* 2>/dev/null"))
	end)
end)

-- --- other users ---

test("two users run VMs at the same time: both pass, and each has a ledger of its own", function()
	local prefix = as_user("61234")
	local ledger = "/dev/shm/provium-61234"
	local function remove() shell("rm -rf " .. ledger) end
	local _ <close> = setmetatable({}, { __close = remove })
	with_traces(function(run, dir, options)
		shell(("mkdir %s/home && chown 61234 %s/home"):format(dir, dir))
		local first = io.popen(runner.command({ "test", "vm_waits.lua" },
			options { env = { PROVIUM_GATE = "" } }))
		wait_until(function() return runner.read(dir .. "/calls") end,
			{ timeout = 30, interval = 0.02, desc = "the first user's VM" })
		local second = run({ "test", "vm_good.lua" }, {
			prefix = prefix, env = { PROVIUM_GATE = "", HOME = dir .. "/home", XDG_CACHE_HOME = "" },
		})
		assert_eq(0, second.status, second.said)
		local said = first:read("a")
		assert(first:close(), said)
		assert_eq("61234 700", shell("stat -c '%u %a' " .. ledger))
	end)
end)

-- --- folders of the host ---

-- Returns a prefix that runs a command in a new mount namespace, after the
-- shell command `first`, which changes mounts there.
local function after_mounts(first)
	if shell("unshare -m true 2>&1 || echo no") ~= "" then skip("unshare -m is not allowed here") end
	return { runner.timeout, "-k", "5", "100", "unshare", "-m", "sh", "-c", first .. " && exec \"$@\"", "sh" }
end

test("a full /dev/shm: BROKEN with the errno and the variable for another folder", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { env = { PROVIUM_GATE = "" },
			prefix = after_mounts("mount -t tmpfs -o size=4k none /dev/shm && head -c 4096 /dev/zero >/dev/shm/full") })
		assert_contains(r.said, "BROKEN: boot " .. provium.profile .. ": gate: cannot write the ledger: No space left on device; " ..
			"make room in /dev/shm, or set PROVIUM_GATE to a directory elsewhere\n")
		assert_eq(3, r.status, r.said)
	end)
end)

test("a read-only /dev/shm: BROKEN with the errno and the variable for another folder", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { env = { PROVIUM_GATE = "" },
			prefix = after_mounts("mount -t tmpfs -o ro none /dev/shm") })
		assert_contains(r.said, ("BROKEN: boot " .. provium.profile .. ": gate: cannot create the directory /dev/shm/provium-%s: " ..
			"Read-only file system; set PROVIUM_GATE to a directory that can be written to\n")
			:format(shell("id -u")))
		assert_eq(3, r.status, r.said)
	end)
end)

test("a host without /dev/shm: the ledger is in /tmp, and the VM runs", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { env = { PROVIUM_GATE = "" }, prefix = after_mounts(
			"mount -t tmpfs none /tmp && mount -t tmpfs none /dev && " ..
			"mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9") })
		assert_eq(0, r.status, r.said)
	end)
end)

test("out/ removed while a VM runs: its calls work, the next boot says to run make", function()
	home.with(function(h)
		with_traces(function(_, _, options)
			h:write("t.lua", ([[
				local vm = provium.create():boot { memory = "128M" }
				test("goes on", function()
					assert(os.execute("rm -rf %s/out"))
					assert_eq("on\n", vm:exec("echo on").stdout)
				end)
				test("boots", function() provium.create():boot { memory = "128M" } end)
			]]):format(h.dir))
			local r = runner.run({ "test", "t.lua" }, options(h:opts()))
			assert_contains(r.said, "goes on ... ok\n")
			assert_contains(r.said, ("boots ... FAIL: there is no profile %q; there is no provium.toml "
				.. "from here upwards, nor beside the runner: run make\n"):format(provium.profile))
			assert_eq(1, r.status, r.said)
		end)
	end)
end)

test("a terminal that is closed during a run: the runner and its QEMU end", function()
	if shell("command -v script") == "" then skip("needs script (bsdutils)") end
	with_traces(function(_, dir, options)
		local command = runner.command({ "test", "vm_waits.lua" }, options { prefix = {} })
		command = command:gsub(" </dev/null 2>&1$", "")
		local pipe = io.popen(("script -qc %s /dev/null </dev/null >/dev/null 2>&1 & echo $!"):format(quote(command)))
		local pid = pipe:read("n")
		wait_until(function()
			return runner.read(dir .. "/calls")
		end, { timeout = 30, interval = 0.02, desc = "the first call" })
		shell("kill -KILL " .. pid)
		pipe:close()
	end)
end)
