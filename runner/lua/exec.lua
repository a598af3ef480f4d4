-- SPDX-License-Identifier: GPL-2.0-only
-- provium exec: runs one command in a VM of its own, with our standard streams.

local core = require "provium.core"
local errors = require "provium.errors"
local fixture = require "provium.fixture"
local options = require "provium.options"
local pointer = require "provium.pointer"
local session = require "provium.session"
local VM = require "provium.vm"

local exec = {}

local NO_LIMIT = 0xffffffff	-- limit of the command's output, in bytes
local DEFAULT_TIMEOUT = "24h"
local NOT_INSERTED = 1		-- the exit status if a module cannot be inserted

local function boot(profile, memory, cpus)
	session.begin(".", { limit = math.huge })
	local vm = VM.create(profile)
	local ok, err = pcall(vm.boot, vm, { memory = memory, cpus = math.tointeger(cpus) })
	if session.accel then io.stderr:write(session.accel, "\n") end
	if not ok then error(err, 0) end
	return vm
end

-- Inserts a module, given as its file, or the name of a built one, and its
-- parameters after a blank.
local function insert(vm, text)
	local file, params = text, nil
	if not core.identity(text) then file, params = text:match("^(%S+)%s*(.-)%s*$") end
	if not file then error("exec: --insmod: expected a module's file or name", 0) end
	if file:find("/", 1, true) then file = core.realpath(file) or file end
	vm:insmod(file, params ~= "" and params or nil)
end

-- Makes a pipe for the command's standard input. Returns the reading end in the
-- VM's executor, and a worker with its descriptor for the writing end.
local function open_pipe(vm)
	local ret, ends = vm:syscall("pipe2", pointer.out(8), core.const.O_CLOEXEC)
	if ret < 0 then errors.raise_errno(core.errno[-ret], "exec: pipe2: %s", core.errno[-ret]) end
	local reader, writer = ("<i4i4"):unpack(ends)
	return reader, vm:spawn { thread = true }, writer
end

-- Runs cmd, with our stdin as its input, and shows its output on our stdout and
-- stderr as it arrives. Returns the exit status. The arguments are strings or
-- nil; fixture_name: a fixture's name, or the path of its script, in place of
-- profile, memory and cpus; the arguments after it: modules to insert first.
function exec.run(profile, cmd, memory, cpus, timeout, fixture_name, ...)
	local timeout_s = options.seconds(tonumber(timeout) or timeout or DEFAULT_TIMEOUT, "exec: --timeout")
	local vm = fixture_name and fixture.clone_for_command(fixture_name) or boot(profile, memory, cpus)
	for _, module in ipairs { ... } do
		local ok, err = pcall(insert, vm, module)
		if not ok and errors.kind_of(err) ~= errors.KIND.op then error(err, 0) end
		if not ok then
			io.stderr:write(("provium exec: %s\n"):format(err.message))
			return NOT_INSERTED
		end
	end
	local reader, worker, writer = open_pipe(vm)
	local request = { cmd = cmd, env = {}, input_fd = reader, limit = NO_LIMIT }
	local reply, fail = vm.core:show("exec", request, "exec", 1, timeout_s, worker.channel, writer)
	if not reply then errors.raise_fail_message(fail, "exec") end
	if fixture_name then vm:kill() else vm:shutdown() end
	return reply.code
end

return exec
