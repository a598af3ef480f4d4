-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec PROFILE CMD: boots a VM and runs one command in it.

local errors = require "provium.errors"
local options = require "provium.options"
local session = require "provium.session"
local VM = require "provium.vm"

local exec = {}

local NO_LIMIT = 0xffffffff	-- limit of the command's output, in bytes
local DEFAULT_TIMEOUT = "24h"

-- Runs cmd and shows its output on our stdout and stderr as it arrives. Returns
-- the exit status of cmd. The arguments are strings or nil. The accelerator's
-- name goes to stderr, because stdout is for the command.
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
