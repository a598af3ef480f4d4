-- SPDX-License-Identifier: GPL-2.0-only
-- What a test does to the guest as a system: commands, files, mounts, modules.

local core = require "provium.core"
local errors = require "provium.errors"
local options = require "provium.options"
local text = require "provium.text"

local check_string = options.string
local EXEC_LIMIT = 16 << 20
local CHUNK = 1 << 20

return function(VM)

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

-- NAME=value strings of a table, for the wire.
function VM.environment(who, env)
	local list = {}
	for name, value in pairs(env or {}) do
		list[#list + 1] = { value = check_string(who, "env", name) .. "=" .. tostring(value) }
	end
	table.sort(list, function(a, b) return a.value < b.value end)
	return list
end

-- A command as messages show it.
function VM.short(cmd) return #cmd > 60 and cmd:sub(1, 60) .. "…" or cmd end

local EXEC_OPTIONS = { timeout = true, cwd = true, env = true, stdin = true }

function VM:exec(cmd, opts)
	cmd = check_string("exec", "command", cmd)
	opts = options.check("exec", opts, EXEC_OPTIONS)
	return exec_result(self:op("exec", {
		cmd = cmd, cwd = opts.cwd, env = VM.environment("exec", opts.env),
		input = opts.stdin and check_string("exec", "stdin", opts.stdin), limit = EXEC_LIMIT,
	}, ("exec %q"):format(VM.short(cmd)), opts.timeout), cmd)
end

function VM:json(cmd)
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

function VM:read_file(path)
	path = check_string("read_file", "path", path)
	return self:op("read", { path = path }, "read_file " .. path).stream1
end

function VM:write_file(path, data)
	path = check_string("write_file", "path", path)
	data = check_string("write_file", "data", data)
	local at = 0
	repeat
		local piece = data:sub(at + 1, at + CHUNK)
		self:op("write", { path = path, offset = at, data = piece }, "write_file " .. path)
		at = at + #piece
	until at >= #data
end

-- --- file systems and modules ---

local VFS = {
	{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
	{ "securityfs", "/sys/kernel/security" }, { "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
}

local function mount_one(vm, kind, path)
	local passed_over = { EBUSY = true, ENODEV = true, ENOENT = true }
	local dir, name = path .. "\0", kind .. "\0"
	vm:syscall_buf("mkdir", 0, dir, 0, 493)
	local ret = vm:syscall_bufs("mount", { [0] = name, [1] = dir, [2] = name }, 0, 0, 0, 0, 0)
	local errno = core.errno[-ret]
	if ret < 0 and not passed_over[errno] then
		errors.raise_errno(errno, "mount_vfs: %s on %s: %s", kind, path, errno or ret)
	end
end

function VM:mount_vfs()
	-- A second proc on /proc would not be EBUSY: each is a file system of its own.
	local found, mounts = pcall(self.read_file, self, "/proc/self/mounts")
	if not found and errors.kind_of(mounts) ~= errors.KIND.op then error(mounts, 0) end
	for _, fs in ipairs(VFS) do
		if not found or not mounts:find((" %s %s "):format(fs[2], fs[1]), 1, true) then
			mount_one(self, fs[1], fs[2])
		end
	end
end

local function module_file(vm, name)
	local path
	if name:find("/", 1, true) or name:find("%.ko$") then
		path = VM.harness.find_file(name)
	else
		local dir = vm.core:info().modules
		if not dir then
			error(("insmod %s: profile %s has no folder of modules; give a path"):format(name,
				vm.core:info().profile), 0)
		end
		path = ("%s/%s.ko"):format(dir, name)
	end
	local file, why = io.open(path, "rb")
	if not file then
		error(("insmod %s: %s (modules of modules/ and MODULE= are built by make modules)"):format(name, why), 0)
	end
	local data = file:read("a")
	file:close()
	VM.harness.depend(path)
	return data
end

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

-- Raises with the errno and what the kernel said meanwhile.
local function module_error(vm, what, ret, from)
	local errno, said = core.errno[-ret] or tostring(ret), {}
	local lines = vm:read_log()
	for i = from + 1, #lines do said[#said + 1] = "\n  " .. lines[i] end
	errors.raise_errno(errno, "%s: %s%s", what, errno,
		#said > 0 and "; the kernel said:" .. table.concat(said) or "")
end

function VM:insmod(name, params)
	name = check_string("insmod", "module", name)
	local data, args = module_file(self, name), module_params(params) .. "\0"
	local from = #self:read_log()
	local ret = self:raw_syscall({ nr = core.nr.init_module, a1 = #data }, {
		{ arg = 0, parent = -1, len = #data, data = data },
		{ arg = 2, parent = -1, len = #args, data = args },
	}, "insmod " .. name)
	if ret < 0 then module_error(self, "insmod " .. name, ret, from) end
end

function VM:rmmod(name)
	local arg = check_string("rmmod", "module", name) .. "\0"
	local from = #self:read_log()
	local ret = self:syscall_buf("delete_module", 0, arg, 0, 0x800)	-- O_NONBLOCK: do not wait
	if ret < 0 then module_error(self, "rmmod " .. name, ret, from) end
end

end
