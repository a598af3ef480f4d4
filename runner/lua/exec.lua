-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec PROFILE CMD: one command in a VM of its own.

local VM = require "provium.vm"
local options = require "provium.options"

local exec = {}

local NO_LIMIT = 0xffffffff

-- Its exit status; what it says is shown as it comes.  The first line goes to stderr, so
-- that stdout is the command's.
function exec.run(profile, cmd, memory, cpus, timeout)
	local limit = options.seconds(tonumber(timeout) or timeout or "24h", "exec: --timeout")
	VM.attach {
		vms = {}, depend = function() end,
		take_turn = function(fn) fn() end,
		booted = function(info) io.stderr:write(info.accel and info.accel .. "\n" or "") end,
	}
	local vm = VM.create(profile):boot { memory = memory, cpus = math.tointeger(cpus) }
	local reply = VM.result(vm.core:show("exec", { cmd = cmd, env = {}, limit = NO_LIMIT }, "exec", 1, limit))
	vm:shutdown()
	return reply.code
end

return exec
