-- SPDX-License-Identifier: GPL-2.0-only
-- provium shell [NAME]: the user's terminal on a shell in a clone.

local fixture = require "provium.fixture"

local shell = {}

-- Returns the locale for the guest's shell: the one that the host uses for
-- characters. busybox edits UTF-8 only if its name says so.
local function locale()
	return os.getenv("LC_ALL") or os.getenv("LC_CTYPE") or os.getenv("LANG")
end

-- Connects the user's terminal to a shell in the guest. name: for the prompt.
-- Returns the shell's exit status; nothing if the user has left it. Raises an
-- error if the guest dies.
function shell.run_in(vm, name)
	local prompt = ("%s:\\w # "):format(name)
	local code, why = vm.core:terminal(prompt, os.getenv("TERM"), locale())
	if why == "left" then io.stderr:write("\nprovium shell: ended by Ctrl-] q\n") end
	return code
end

-- provium shell. what: as for fixture.clone_for_command().
function shell.run(what)
	local vm, name = fixture.clone_for_command(what)
	io.stderr:write(("shell in a clone of %s; `exit` or Ctrl-] q ends it\n"):format(name))
	local code = shell.run_in(vm, name)
	vm:kill()
	return code or 0
end

return shell
