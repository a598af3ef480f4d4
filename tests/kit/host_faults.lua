-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the host while a VM runs: limits of the user, full disks, stopped and killed
-- processes. Each gets a message that names its cause, and nothing is left of the run.

local runner = require "runner"
local quote, shell = runner.quote, runner.shell

-- The pids of the processes that have this text in their environment.
local function processes_with(text)
	return shell(("grep -lsaF -- %s /proc/[0-9]*/environ | tr -cd '0-9\n'"):format(quote(text)))
end

-- Calls fn(run, dir).  run(args, opts) is runner.run() with the options of runner.command()
-- and limits = "-n 20", the arguments of ulimit.  Afterwards no process of such a run may be
-- left, and no file in $TMPDIR or /dev/shm (the ledger of a user stays).
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
