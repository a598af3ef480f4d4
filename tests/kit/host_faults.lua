-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the host while a VM runs: limits of the user, full disks, stopped
-- and killed processes. Each is reported with its cause, and the run leaves
-- nothing behind.

local runner = require "runner"
local quote, shell = runner.quote, runner.shell

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
		wait_until(function() return processes_with(mark) == "" end, { timeout = 5, interval = 0.02, desc = "the end of the run's processes" })
		assert_eq("", shell("ls -A " .. dir .. "/tmp"))
		assert_eq("", shell("ls -A /dev/shm | grep -v '^provium-[0-9]*$'"))
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
		for _, step in ipairs { "cannot open the", "cannot read /proc/meminfo", "cannot create the", "cannot start qemu-system-x" } do
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
			"BROKEN: boot minimal: cannot start qemu-system-x86_64: " .. CAUSE,
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
		assert_contains(r.said, "BROKEN: boot minimal: gate: cannot write the ledger: File too large; raise the limit of file sizes (ulimit -f)\n")
		assert_eq(3, r.status, r.said)
	end)
end)

test("a limit of memory that QEMU exceeds: BROKEN with QEMU's message", function()
	with_traces(function(run)
		local r = run({ "test", "vm_good.lua" }, { limits = "-v 300000" })
		assert_contains(r.said, "BROKEN: boot minimal: QEMU exited with status 1:")
		assert_contains(r.said, "Cannot allocate memory")
		assert_eq(3, r.status, r.said)
	end)
end)
