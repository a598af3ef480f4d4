-- SPDX-License-Identifier: GPL-2.0-only
-- Jobs: shell commands in the background, with their output.

local options = require "provium.options"
local show = require "provium.show"

local methods = {}

local JOB_OPTIONS = { cwd = true, env = true }
local MAX_MS = 0xffffffff	-- the largest u32, which is the type on the wire

function methods:background(cmd, opts)
	cmd = options.string("background", "command", cmd)
	opts = options.check("background", opts, JOB_OPTIONS)
	local reply = self:op("job", { cmd = cmd, cwd = opts.cwd, env = options.environment("background", opts.env) },
		("background %q"):format(show.command(cmd)))
	return { id = reply.id, pid = reply.pid }
end

local function check_job(method, job)
	if type(job) ~= "table" or math.type(job.id) ~= "integer" then
		error(("%s: expected a job, as background() returns it, got %s"):format(method, type(job)), 0)
	end
	return job.id
end

-- Returns the job's state and its output so far, after at most wait_s seconds.
local function wait(vm, method, job, wait_s, kill)
	local reply = vm:op("job_wait", {
		id = check_job(method, job), ms = math.min(math.ceil(wait_s * 1000), MAX_MS), kill = kill,
	}, ("%s %d"):format(method, job.id), wait_s + vm.timeout)
	return {
		running = reply.running == 1, exit_code = reply.code,
		signal = reply.signal ~= 0 and reply.signal or nil,
		stdout = reply.stream1, stderr = reply.stream2,
		stdout_dropped = reply.dropped1 ~= 0 and reply.dropped1 or nil,
		stderr_dropped = reply.dropped2 ~= 0 and reply.dropped2 or nil,
	}
end

function methods:job_wait(job, timeout)
	local wait_s = options.seconds(timeout or 0, "job_wait: timeout")
	if wait_s > 0 then wait_s = wait_s * self.core:info().slowness end
	return wait(self, "job_wait", job, wait_s, 0)
end

function methods:job_kill(job) return wait(self, "job_kill", job, 0, 1) end

return { methods = methods }
