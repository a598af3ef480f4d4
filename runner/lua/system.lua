-- SPDX-License-Identifier: GPL-2.0-only
-- Methods of a VM for work in the guest: commands, files, mounts, kernel
-- modules.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"
local session = require "provium.session"
local show = require "provium.show"
local syscall = require "provium.syscall"
local text = require "provium.text"

local check_string = options.string

local MAX_OUTPUT = 16 << 20	-- bytes of stdout and stderr that exec() takes
local WRITE_BYTES = 1 << 20	-- in one request of write_file()
local DIR_MODE = 493		-- 0755
local O_NONBLOCK = 0x800

local methods = {}

-- --- commands and files ---

local function exec_result(reply, cmd)
	if reply.overflow ~= 0 then
		errors.raise(errors.KIND.op, "exec %q: more than 16 MiB on %s; the command was killed",
			cmd, reply.overflow == 1 and "stdout" or "stderr")
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
	opts = options.check("exec", opts, EXEC_OPTIONS)
	return exec_result(self:op("exec", {
		cmd = cmd, cwd = opts.cwd, env = options.environment("exec", opts.env),
		input = opts.stdin and check_string("exec", "stdin", opts.stdin), limit = MAX_OUTPUT,
	}, ("exec %q"):format(show.command(cmd)), opts.timeout), cmd)
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

function methods:write_file(path, data)
	path = check_string("write_file", "path", path)
	data = check_string("write_file", "data", data)
	local at = 0
	repeat
		local chunk = data:sub(at + 1, at + WRITE_BYTES)
		self:op("write", { path = path, offset = at, data = chunk }, "write_file " .. path)
		at = at + #chunk
	until at >= #data
end

-- --- file systems and modules ---

local VFS = {
	{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
	{ "securityfs", "/sys/kernel/security" }, { "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
}

-- Errors if it is mounted already, the kernel lacks the file system, or there
-- is no such folder.
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

-- Returns the contents of a module's .ko, which is given by path, or by its
-- name in the profile's modules folder.
local function module_file(vm, name)
	local path
	if name:find("/", 1, true) or name:find("%.ko$") then
		path = session.find_file(name)
	else
		local dir = vm.core:info().modules
		if not dir then
			error(("insmod %s: profile %s has no modules folder; give the path of the .ko file"):format(name,
				vm.core:info().profile), 0)
		end
		path = ("%s/%s.ko"):format(dir, name)
	end
	session.note(path)
	local file, why = io.open(path, "rb")
	if not file then
		error(("insmod %s: %s (make modules builds those in modules/ and MODULE=)"):format(name, why), 0)
	end
	local data = file:read("a")
	file:close()
	session.depend(path)
	return data
end

-- Converts { name = value }, or a string, to the form that the kernel parses.
local function module_params(params)
	if type(params) == "string" then return params end
	local list = {}
	for key, value in pairs(params or {}) do
		value = type(value) == "boolean" and (value and "Y" or "N") or tostring(value)
		list[#list + 1] = ("%s=%s"):format(key, value:find("%s") and '"' .. value .. '"' or value)
	end
	table.sort(list)
	return table.concat(list, " ")
end

-- Raises an error with the errno and the lines that the kernel log got after
-- line nr_before.
local function raise_module_error(vm, label, ret, nr_before)
	local errno, added = core.errno[-ret] or tostring(ret), {}
	local lines = vm:read_log()
	for i = nr_before + 1, #lines do added[#added + 1] = "\n  " .. lines[i] end
	errors.raise_errno(errno, "%s: %s%s", label, errno,
		#added > 0 and "; the kernel said:" .. table.concat(added) or "")
end

function methods:insmod(name, params)
	name = check_string("insmod", "module", name)
	local data, args = module_file(self, name), module_params(params) .. "\0"
	local nr_before = #self:read_log()
	local ret = syscall.call(self, { nr = core.nr.init_module, a1 = #data }, {
		{ arg = 0, parent = -1, len = #data, data = data },
		{ arg = 2, parent = -1, len = #args, data = args },
	}, "insmod " .. name)
	if ret < 0 then raise_module_error(self, "insmod " .. name, ret, nr_before) end
end

function methods:rmmod(name)
	local arg = check_string("rmmod", "module", name) .. "\0"
	local nr_before = #self:read_log()
	local ret = self:syscall_buf("delete_module", 0, arg, 0, O_NONBLOCK)	-- do not wait for its users
	if ret < 0 then raise_module_error(self, "rmmod " .. name, ret, nr_before) end
end

return { methods = methods }
