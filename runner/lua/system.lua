-- SPDX-License-Identifier: GPL-2.0-only
-- Methods of a VM for work in the guest: commands, files, mounts.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"
local show = require "provium.show"
local text = require "provium.text"

local check_string = options.string

local MAX_OUTPUT = 16 << 20	-- most bytes of stdout and stderr that exec() takes
local WRITE_BYTES = 1 << 20	-- most bytes in one request of write_file()
local DIR_MODE = 493		-- 0755
local AT_FDCWD = -100

local methods = {}

-- --- commands and files ---

-- Raises an error that carries the output which had arrived by then.
local function raise_with_output(err, from)
	if errors.kind_of(err) and from.stream1 then
		err.stdout, err.stderr = text.new(from.stream1), text.new(from.stream2)
	end
	error(err, 0)
end

-- Sends the op exec. label: the call's name in messages. Returns the result.
local function run(vm, label, request, opts)
	request.cwd, request.env = opts.cwd, options.environment(label, opts.env)
	request.input = opts.stdin and check_string(label, "stdin", opts.stdin)
	request.limit = MAX_OUTPUT
	local ok, reply = pcall(vm.op, vm, "exec", request, label, opts.timeout)
	if not ok then raise_with_output(reply, reply) end
	if reply.overflow ~= 0 then
		raise_with_output(errors.new(errors.KIND.op, "%s: more than 16 MiB on %s; the command was killed",
			label, reply.overflow == 1 and "stdout" or "stderr"), reply)
	end
	return {
		ok = reply.code == 0, exit_code = reply.code,
		signal = reply.signal ~= 0 and reply.signal or nil,
		stdout = text.new(reply.stream1), stderr = text.new(reply.stream2),
	}
end

local EXEC_OPTIONS = { timeout = true, cwd = true, env = true, stdin = true }

function methods:exec(cmd, opts)
	cmd = check_string("exec", "command", cmd)
	return run(self, ("exec %q"):format(show.command(cmd)), { cmd = cmd },
		options.check("exec", opts, EXEC_OPTIONS))
end

local RUN_OPTIONS = { timeout = true, cwd = true, env = true, stdin = true, tty = true }

-- Returns a program and its arguments as the wire has them, and as one text. An
-- argument can be a number.
local function arguments(argv)
	if type(argv) ~= "table" or #argv == 0 then
		error(("run: argv: expected a list of a program and its arguments, as { \"ls\", \"-l\" }, got %s")
			:format(show.value(argv)), 0)
	end
	local list, words = {}, {}
	for i, arg in ipairs(argv) do
		arg = math.type(arg) and tostring(arg) or check_string("run", ("argv[%d]"):format(i), arg)
		if arg:find("\0", 1, true) then error(("run: argv[%d]: has a zero byte"):format(i), 0) end
		list[i], words[i] = { value = arg }, arg
	end
	return list, table.concat(words, " ")
end

function methods:run(argv, opts)
	local args, words = arguments(argv)
	opts = options.check("run", opts, RUN_OPTIONS)
	return run(self, ("run %q"):format(show.command(words)),
		{ args = args, tty = opts.tty and 1 or 0 }, opts)
end

function methods:json(cmd)
	local r = self:exec(cmd)
	if not r.ok then
		errors.raise(errors.KIND.op, "json %q: exit code %d: %s", cmd, r.exit_code, r.stderr.trim())
	end
	local value, why = core.json(r.stdout.value)
	if why then
		errors.raise(errors.KIND.op, "json %q: %s", cmd, why)
	end
	return value
end

function methods:read_file(path)
	path = check_string("read_file", "path", path)
	return self:op("read", { path = path }, "read_file " .. path).stream1
end

local WRITE_OPTIONS = { mode = true }

local function set_mode(vm, path, mode)
	local ret = vm:syscall("fchmodat", AT_FDCWD, path .. "\0", mode)
	if ret < 0 then errors.raise_errno(core.errno[-ret], "write_file %s: mode: %s", path, core.errno[-ret]) end
end

function methods:write_file(path, data, opts)
	path = check_string("write_file", "path", path)
	data = check_string("write_file", "data", data)
	local mode = options.check("write_file " .. path, opts, WRITE_OPTIONS).mode
	if mode ~= nil and math.type(mode) ~= "integer" then
		error(("write_file %s: mode: expected an integer such as 0x1ed (0755 in octal), got %s"):format(path, show.value(mode)), 0)
	end
	local at = 0
	repeat
		local chunk = data:sub(at + 1, at + WRITE_BYTES)
		self:op("write", { path = path, offset = at, data = chunk }, "write_file " .. path)
		at = at + #chunk
	until at >= #data
	if mode then set_mode(self, path, mode) end
end

-- --- file systems ---

local VFS = {
	{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
	{ "securityfs", "/sys/kernel/security" }, { "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" }, { "devpts", "/dev/pts" }, { "cgroup2", "/sys/fs/cgroup" },
}

-- The errors of mount(2) if the file system is mounted already, is not in the
-- kernel, or its folder does not exist.
local MOUNT_CAN_FAIL_WITH = { EBUSY = true, ENODEV = true, ENOENT = true }

local function mount_one(vm, kind, path)
	local dir, name = path .. "\0", kind .. "\0"
	vm:syscall_buf("mkdir", 0, dir, 0, DIR_MODE)
	local ret = vm:syscall_bufs("mount", { [0] = name, [1] = dir, [2] = name }, 0, 0, 0, 0, 0)
	local errno = core.errno[-ret]
	if ret < 0 and not MOUNT_CAN_FAIL_WITH[errno] then
		errors.raise_errno(errno, "mount_vfs: %s on %s: %s", kind, path, errno or ret)
	end
end

function methods:mount_vfs()
	-- A second mount of proc does not return EBUSY: the kernel mounts it
	-- over the first.
	local found, mounts = pcall(self.read_file, self, "/proc/self/mounts")
	if not found and errors.kind_of(mounts) ~= errors.KIND.op then error(mounts, 0) end
	for _, fs in ipairs(VFS) do
		if not found or not mounts:find((" %s %s "):format(fs[2], fs[1]), 1, true) then
			mount_one(self, fs[1], fs[2])
		end
	end
end

return { methods = methods }
