-- SPDX-License-Identifier: GPL-2.0-only
-- A VM as a test sees it: the methods of docs/api.md, on provium.core's call().

local core = require "provium.core"
local pack = require "provium.pack"
local text = require "provium.text"

local VM = {}
VM.__index = VM

local EXEC_LIMIT = 16 << 20
local CHUNK = 1 << 20

local units = {}

-- Seconds of "500ms", "5s", "10m" or a number.
function units.seconds(v, what)
	if math.type(v) and v >= 0 then return v end
	local n, unit = tostring(v):match("^([%d.]+)(%a*)$")
	local factor = ({ [""] = 1, ms = 0.001, s = 1, m = 60, h = 3600 })[unit]
	n = tonumber(n)
	if not n or not factor or (unit == "" and type(v) ~= "number") then
		error(("%s: expected seconds or a duration like \"500ms\", \"5s\", \"10m\", got %s")
			:format(what, tostring(v)), 0)
	end
	return n * factor
end

-- Bytes of "512M", "2G".
function units.bytes(v, what)
	local n, unit = tostring(v):match("^(%d+)([KMG])i?B?$")
	if not n then
		error(("%s: expected a size like \"512M\" or \"2G\", got %s"):format(what, tostring(v)), 0)
	end
	return tonumber(n) << ({ K = 10, M = 20, G = 30 })[unit]
end

local function check_options(who, opts, known)
	if opts ~= nil and type(opts) ~= "table" then
		error(("%s: options: expected a table, got %s"):format(who, type(opts)), 0)
	end
	for key in pairs(opts or {}) do
		if not known[key] then
			local names = {}
			for name in pairs(known) do names[#names + 1] = name end
			table.sort(names)
			error(("%s: unknown option \"%s\"; there are: %s"):format(who, tostring(key),
				table.concat(names, ", ")), 0)
		end
	end
	return opts or {}
end

local function check_string(who, what, v)
	v = text.plain(v)
	if type(v) ~= "string" then
		error(("%s: %s: expected a string, got %s"):format(who, what, type(v)), 0)
	end
	return v
end

-- harness: what this file belongs to; see harness.lua.
local harness

function VM.attach(h) harness = h end

function VM.create(profile)
	if type(profile) ~= "string" then
		error(("create: profile: expected a name, got %s"):format(type(profile)), 0)
	end
	local vm = setmetatable({ core = core.vm(profile), timeout = 60, log = {}, log_next = 0 }, VM)
	harness.vms[#harness.vms + 1] = vm
	harness.depend(vm.core:info().kernel)
	return vm
end

-- --- life ---

local BOOT_OPTIONS = { memory = true, cpus = true, files = true, disks = true, append = true, timeout = true }

local function boot_files(files)
	local list = {}
	for guest, host in pairs(files or {}) do
		list[#list + 1] = {
			guest = check_string("boot", "files: guest path", guest),
			host = harness.find_file(check_string("boot", "files: host path", host)),
		}
		harness.depend(list[#list].host)
	end
	table.sort(list, function(a, b) return a.guest < b.guest end)
	return list
end

local DISK_OPTIONS = { path = true, format = true, readonly = true, [1] = true }

local function boot_disks(disks)
	local list = {}
	for i, disk in ipairs(disks or {}) do
		disk = check_options(("boot: disks[%d]"):format(i), disk, DISK_OPTIONS)
		list[i] = {
			path = harness.find_file(check_string("boot", ("disks[%d]: path"):format(i), disk.path or disk[1])),
			format = disk.format or "raw", readonly = disk.readonly,
		}
	end
	return list
end

function VM:boot(opts)
	opts = check_options("boot", opts, BOOT_OPTIONS)
	local cpus = opts.cpus or 1
	if math.type(cpus) ~= "integer" or cpus < 1 or cpus > 255 then
		error(("boot: cpus: expected an integer of 1 to 255, got %s"):format(tostring(cpus)), 0)
	end
	local memory = units.bytes(opts.memory or "512M", "boot: memory")
	if memory < 64 << 20 then
		error(("boot: memory: %s is too little; 64M is the least a kernel and the agent start in")
			:format(opts.memory), 0)
	end
	local ok, err = pcall(self.core.boot, self.core, {
		memory = memory, cpus = cpus,
		timeout = units.seconds(opts.timeout or 30, "boot: timeout"),
		append = opts.append and check_string("boot", "append", opts.append),
		files = boot_files(opts.files), disks = boot_disks(opts.disks),
	})
	harness.booted(self.core:info())	-- what it ran on, or would have
	if not ok then error(err, 0) end
	return self
end

function VM:shutdown() self.core:shutdown(10) end

function VM:kill() self.core:kill() end

function VM:is_running() return self.core:info().state == "running" end

-- --- calls ---

-- One op.  A fail frame becomes an error: "read_file /x: ENOENT".
function VM:op(name, request, what, timeout)
	local reply, fail = self.core:call(name, request, units.seconds(timeout or self.timeout, "timeout"), what)
	if reply then return reply end
	if fail.err ~= 0 then
		local errno = core.errno[fail.err] or ("errno " .. fail.err)
		what = fail.text ~= "" and not what:find(fail.text, 1, true) and what .. ": " .. fail.text or what
		error(core.error { message = ("%s: %s"):format(what, errno), kind = "op", errno = errno }, 0)
	end
	error(core.error { message = ("%s: %s"):format(what, fail.text), kind = "op" }, 0)
end

local function exec_result(reply, cmd)
	if reply.overflow ~= 0 then
		error(core.error { kind = "op", message = ("exec %q: more than 16 MiB on %s; the command was killed")
			:format(cmd, reply.overflow == 1 and "stdout" or "stderr") }, 0)
	end
	return {
		ok = reply.code == 0, exit_code = reply.code,
		signal = reply.signal ~= 0 and reply.signal or nil,
		stdout = text.new(reply.stream1), stderr = text.new(reply.stream2),
	}
end

local function exec_env(env)
	local list = {}
	for name, value in pairs(env or {}) do
		list[#list + 1] = { value = check_string("exec", "env", name) .. "=" .. tostring(value) }
	end
	table.sort(list, function(a, b) return a.value < b.value end)
	return list
end

local EXEC_OPTIONS = { timeout = true, cwd = true, env = true, stdin = true }

function VM:exec(cmd, opts)
	cmd = check_string("exec", "command", cmd)
	opts = check_options("exec", opts, EXEC_OPTIONS)
	local label = #cmd > 60 and cmd:sub(1, 60) .. "…" or cmd
	return exec_result(self:op("exec", {
		cmd = cmd, cwd = opts.cwd, env = exec_env(opts.env),
		input = opts.stdin and check_string("exec", "stdin", opts.stdin), limit = EXEC_LIMIT,
	}, ("exec %q"):format(label), opts.timeout), cmd)
end

function VM:json(cmd)
	local r = self:exec(cmd)
	if not r.ok then
		error(core.error { kind = "op", message = ("json %q: exit code %d: %s"):format(cmd, r.exit_code,
			r.stderr.trim()) }, 0)
	end
	local value, why = core.json(r.stdout.value)
	if why then
		error(core.error { kind = "op", message = ("json %q: %s"):format(cmd, why) }, 0)
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

-- --- the kernel log: every line crosses the link once ---

function VM:read_log()
	local reply = self:op("kmsg", { from = self.log_next }, "dmesg")
	self.log_next = reply.next
	for line in reply.stream1:gmatch("[^\n]+") do self.log[#self.log + 1] = line end
	return self.log
end

function VM:dmesg(pattern)
	local lines = {}
	for _, line in ipairs(self:read_log()) do
		if not pattern or line:find(pattern) then lines[#lines + 1] = line .. "\n" end
	end
	return table.concat(lines)
end

-- --- system calls ---

-- How many letters to add, take away or replace to get from a to b.
local function distance(a, b)
	local row = {}
	for j = 0, #b do row[j] = j end
	for i = 1, #a do
		local diagonal = row[0]
		row[0] = i
		for j = 1, #b do
			local same = a:byte(i) == b:byte(j) and 0 or 1
			diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + same)
		end
	end
	return row[#b]
end

-- The nearest name there is, for a name there is not; of two, the first in the alphabet.
local function suggestion(name)
	local best, rest = nil, math.max(2, #name // 3) + 1
	for known in pairs(core.nr) do
		local d = type(known) == "string" and distance(name, known) or math.huge
		if d < rest or d == rest and best and known < best then best, rest = known, d end
	end
	return best and ("; did you mean \"%s\"?"):format(best) or ""
end

local NR = core.nr

local function number_of(nr)
	if math.type(nr) == "integer" then return nr end
	if type(nr) == "string" and NR[nr] then return NR[nr] end
	if type(nr) ~= "string" then
		error(("syscall: expected a name or a number, got %s"):format(type(nr)), 0)
	end
	error(("syscall: there is no system call \"%s\" on x86-64%s"):format(nr, suggestion(nr)), 0)
end

local function name_of(nr)
	return type(nr) == "string" and nr or core.nr[nr] or tostring(nr)
end

local ARGS = { "a0", "a1", "a2", "a3", "a4", "a5" }

local function request_of(who, nr, n, ...)
	local request = { nr = number_of(nr) }
	if n > 6 then
		error(("%s %s: %d arguments; a system call takes at most 6"):format(who, name_of(nr), n), 0)
	end
	for i = 1, n do
		local v = select(i, ...)
		if math.type(v) ~= "integer" then
			error(("%s %s: argument %d: expected an integer, got %s"):format(who, name_of(nr), i - 1,
				math.type(v) or type(v)), 0)
		end
		request[ARGS[i]] = v
	end
	return request
end

-- Sends it; buffers that the kernel damaged are an error of the kernel's.
local function call(vm, request, segs, what)
	request.segs = segs
	local reply = vm:op("syscall", request, what)
	local outs = {}
	for _, out in ipairs(reply.outs) do
		if out.under > 0 then
			error(core.error { kind = "fail", message =
				("%s: the kernel wrote before the start of buffer %d (from %d bytes before it on)")
				:format(what, out.seg, out.under) }, 0)
		end
		outs[out.seg] = out.data
	end
	return reply.ret, outs
end

local function index_of(who, idx)
	if math.type(idx) ~= "integer" or idx < 0 or idx > 5 then
		error(("%s: buffer index: expected an argument's number, 0 to 5, got %s"):format(who, tostring(idx)), 0)
	end
	return idx
end

local function size_of(who, what, v)
	if math.type(v) ~= "integer" or v < 0 or v > 0xffffffff then
		error(("%s: %s: expected an integer of 0 or more, got %s"):format(who, what, tostring(v)), 0)
	end
	return v
end

function VM:syscall(nr, ...)
	return (call(self, request_of("syscall", nr, select("#", ...), ...), nil, "syscall " .. name_of(nr)))
end

function VM:syscall_buf(nr, idx, data, ...)
	local request = request_of("syscall_buf", nr, select("#", ...), ...)
	data = check_string("syscall_buf", "data", data)
	return (call(self, request, { { arg = index_of("syscall_buf", idx), parent = -1, len = #data, data = data } },
		"syscall " .. name_of(nr)))
end

-- Segments for {[idx] = data}, in ascending order.
local function arg_segs(who, bufs)
	local segs = {}
	if type(bufs) ~= "table" then
		error(("%s: buffers: expected a table {[index] = data}, got %s"):format(who, type(bufs)), 0)
	end
	for idx in pairs(bufs) do index_of(who, idx) end
	for idx = 0, 5 do
		if bufs[idx] ~= nil then
			local data = check_string(who, ("buffer %d"):format(idx), bufs[idx])
			segs[#segs + 1] = { arg = idx, parent = -1, len = #data, data = data, out = 1 }
		end
	end
	return segs
end

-- Appends the sub-buffers of `specs`; by_arg says which segment is whose.
local function add_specs(who, segs, specs, base_of)
	local first = #segs
	if type(specs) ~= "table" then
		error(("%s: pointers: expected a list of tables, got %s"):format(who, type(specs)), 0)
	end
	for n, spec in ipairs(specs) do
		local label = ("%s: pointer %d"):format(who, n)
		local data = spec.data and check_string(label, "data", spec.data) or ""
		local len = size_of(label, "length", spec.data_len or spec.buf_len or #data)
		local offset = size_of(label, "ptr_offset", spec.ptr_offset)
		local parent
		if spec.parent then
			if math.type(spec.parent) ~= "integer" or spec.parent < 1 or spec.parent >= n then
				error(("%s: parent: expected the number of an earlier pointer, got %s"):format(label,
					tostring(spec.parent)), 0)
			end
			parent = first + spec.parent - 1
		else
			parent = base_of(spec, label)
		end
		local room = segs[parent + 1].len
		if offset + 8 > room then
			error(("%s: ptr_offset %d: an address takes 8 bytes, the buffer has %d"):format(label, offset, room), 0)
		end
		if #data > len then
			error(("%s: %d bytes of data for a buffer of %d"):format(label, #data, len), 0)
		end
		segs[#segs + 1] = { arg = -1, parent = parent, offset = offset, len = len, data = data,
			out = spec.output and 1 or 0 }
	end
	return segs
end

-- ret, then what every segment holds that was to come back.
local function results(ret, segs, outs)
	local list = {}
	for i, seg in ipairs(segs) do
		if seg.out == 1 then list[#list + 1] = outs[i - 1] end
	end
	return ret, table.unpack(list)
end

function VM:syscall_bufs(nr, bufs, ...)
	local request = request_of("syscall_bufs", nr, select("#", ...), ...)
	local segs = arg_segs("syscall_bufs", bufs)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

function VM:syscall_ptr(nr, bufs, ptrs, ...)
	local request = request_of("syscall_ptr", nr, select("#", ...), ...)
	local segs = arg_segs("syscall_ptr", bufs)
	local by_arg = {}
	for i, seg in ipairs(segs) do by_arg[seg.arg] = i - 1 end
	add_specs("syscall_ptr", segs, ptrs, function(spec, label)
		return by_arg[spec.buf_idx] or
			error(("%s: buf_idx: there is no buffer %s"):format(label, tostring(spec.buf_idx)), 0)
	end)
	local ret, outs = call(self, request, segs, "syscall " .. name_of(nr))
	return results(ret, segs, outs)
end

local function ioctl_request(who, fd, cmd)
	for what, v in pairs { fd = fd, cmd = cmd } do
		if math.type(v) ~= "integer" then
			error(("%s: %s: expected an integer, got %s"):format(who, what, math.type(v) or type(v)), 0)
		end
	end
	-- _IOR is negative in C's int; only the low 32 bits are the command.
	cmd = cmd & 0xffffffff
	return { nr = core.nr.ioctl, a0 = fd, a1 = cmd }, cmd, ("%s 0x%x"):format(who, cmd)
end

function VM:ioctl(fd, cmd, data)
	local request, command, what = ioctl_request("ioctl", fd, cmd)
	local writes, reads, size = pack.ioc_decode(command)
	if math.type(data) == "integer" then	-- a command that takes a value
		request.a2 = data
		return (call(self, request, nil, what))
	end
	data = data ~= nil and check_string("ioctl", "data", data) or nil
	if not data and size == 0 then return (call(self, request, nil, what)) end
	-- Commands from before the direction bits (TCGETS): both ways.
	if not writes and not reads then reads = true end
	local seg = { arg = 2, parent = -1, len = math.max(size, #(data or "")), data = data, out = reads and 1 or 0 }
	local ret, outs = call(self, request, { seg }, what)
	return ret, outs[0]
end

function VM:ioctl_buf(fd, cmd, struct, specs)
	local request, command, what = ioctl_request("ioctl_buf", fd, cmd)
	local _, _, size = pack.ioc_decode(command)
	struct = check_string("ioctl_buf", "struct", struct)
	local segs = { { arg = 2, parent = -1, len = math.max(size, #struct), data = struct, out = 1 } }
	add_specs("ioctl_buf", segs, specs, function() return 0 end)
	local ret, outs = call(self, request, segs, what)
	return results(ret, segs, outs)
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
		error(core.error { kind = "op", errno = errno, message = ("mount_vfs: %s on %s: %s")
			:format(kind, path, errno or ret) }, 0)
	end
end

function VM:mount_vfs()
	-- A second proc on /proc would not be EBUSY: each is a file system of its own.
	local found, mounts = pcall(self.read_file, self, "/proc/self/mounts")
	if not found and mounts.kind ~= "op" then error(mounts, 0) end
	for _, fs in ipairs(VFS) do
		if not found or not mounts:find((" %s %s "):format(fs[2], fs[1]), 1, true) then
			mount_one(self, fs[1], fs[2])
		end
	end
end

local function module_file(vm, name)
	local path
	if name:find("/", 1, true) or name:find("%.ko$") then
		path = harness.find_file(name)
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
	harness.depend(path)
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
	for i = from + 1, #vm:read_log() do said[#said + 1] = "\n  " .. vm.log[i] end
	error(core.error { kind = "op", errno = errno, message = ("%s: %s%s"):format(what, errno,
		#said > 0 and "; the kernel said:" .. table.concat(said) or "") }, 0)
end

function VM:insmod(name, params)
	name = check_string("insmod", "module", name)
	local data, args = module_file(self, name), module_params(params) .. "\0"
	local from = #self:read_log()
	local ret = call(self, { nr = core.nr.init_module, a1 = #data }, {
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

function VM:wait_until(fn, opts) return harness.wait_until(fn, opts) end

VM.units = units
VM.check_options = check_options

return VM
