-- SPDX-License-Identifier: GPL-2.0-only
-- Jobs: shell commands that go on by themselves.

local options = require "provium.options"

return function(VM)

local JOB_OPTIONS = { cwd = true, env = true }

function VM:background(cmd, opts)
	cmd = options.string("background", "command", cmd)
	opts = options.check("background", opts, JOB_OPTIONS)
	local reply = self:op("job", { cmd = cmd, cwd = opts.cwd, env = VM.environment("background", opts.env) },
		("background %q"):format(VM.short(cmd)))
	return { id = reply.id, pid = reply.pid }
end

local function id_of(who, job)
	if type(job) ~= "table" or math.type(job.id) ~= "integer" then
		error(("%s: expected a job, as background() returns it, got %s"):format(who, type(job)), 0)
	end
	return job.id
end

local function wait(vm, who, job, seconds, kill)
	local reply = vm:op("job_wait", {
		id = id_of(who, job), ms = math.min(math.ceil(seconds * 1000), 0xffffffff), kill = kill,
	}, ("%s %d"):format(who, job.id), seconds + vm.timeout)
	return {
		running = reply.running == 1, exit_code = reply.code,
		signal = reply.signal ~= 0 and reply.signal or nil,
		stdout = reply.stream1, stderr = reply.stream2,
		stdout_dropped = reply.dropped1 ~= 0 and reply.dropped1 or nil,
		stderr_dropped = reply.dropped2 ~= 0 and reply.dropped2 or nil,
	}
end

function VM:job_wait(job, timeout)
	local seconds = options.seconds(timeout or 0, "job_wait: timeout")
	if seconds > 0 then seconds = seconds * self.core:info().slowness end
	return wait(self, "job_wait", job, seconds, 0)
end

function VM:job_kill(job) return wait(self, "job_kill", job, 0, 1) end

end
