-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec PROFILE CMD: one command in a VM of its own.

local errors = require "provium.errors"
local options = require "provium.options"
local session = require "provium.session"
local VM = require "provium.vm"

local exec = {}

local NO_LIMIT = 0xffffffff	-- of the command's output, in bytes
local DEFAULT_TIMEOUT = "24h"

-- Runs cmd, whose output goes to our stdout and stderr as it comes; returns its exit
-- status.  The arguments are strings or nil.  The accelerator's name goes to stderr,
-- because stdout is the command's.
function exec.run(profile, cmd, memory, cpus, timeout)
	local timeout_s = options.seconds(tonumber(timeout) or timeout or DEFAULT_TIMEOUT, "exec: --timeout")
	session.begin(".", { limit = math.huge })
	local vm = VM.create(profile)
	local ok, err = pcall(vm.boot, vm, { memory = memory, cpus = math.tointeger(cpus) })
	if session.accel then io.stderr:write(session.accel, "\n") end
	if not ok then error(err, 0) end
	local request = { cmd = cmd, env = {}, limit = NO_LIMIT }
	local reply, fail = vm.core:show("exec", request, "exec", 1, timeout_s)
	if not reply then errors.raise_fail_message(fail, "exec") end
	vm:shutdown()
	return reply.code
end

return exec
