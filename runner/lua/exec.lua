-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec PROFILE CMD: one command in a VM of its own.

local VM = require "provium.vm"

local exec = {}

-- Its exit status; the first line goes to stderr, so that stdout is the command's.
function exec.run(profile, cmd)
	VM.attach {
		vms = {}, depend = function() end,
		take_turn = function(fn) fn() end,
		booted = function(info) io.stderr:write(info.accel and info.accel .. "\n" or "") end,
	}
	local vm = VM.create(profile):boot()
	local r = vm:exec(cmd)
	io.stdout:write(r.stdout.value)
	io.stderr:write(r.stderr.value)
	vm:shutdown()
	return r.exit_code
end

return exec
