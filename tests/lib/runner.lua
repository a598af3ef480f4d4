-- SPDX-License-Identifier: GPL-2.0-only
-- Runs the runner as a user at a shell would, mostly on canned suites, and
-- returns its output.

local core = require "provium.core"

local runner = {}

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- Returns the output of a host command, without the last line end.
function runner.shell(cmd)
	local pipe = assert(io.popen(cmd))
	local said = pipe:read("a")
	pipe:close()
	return (said:gsub("\n$", ""))
end

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

-- The path of the runner to test: the one in the environment, or the one that
-- runs this test.
runner.path = runner.shell(os.getenv("PROVIUM_RUNNER") and
	"realpath " .. quote(os.getenv("PROVIUM_RUNNER")) or "readlink /proc/$PPID/exe")
runner.canned = runner.shell("realpath " .. quote(here .. "/../harness/_canned"))
runner.home = runner.path:gsub("/[^/]*/[^/]*$", "")
runner.quote = quote
runner.timeout = runner.shell("command -v timeout")	-- a path, because some runs have another PATH

-- Returns the names of the built profiles, as messages list them.
function runner.profiles()
	return (runner.shell("sed -n 's/^\\[profile\\.\\(.*\\)\\]$/\\1/p' " .. quote(runner.home .. "/provium.toml")):gsub("\n", ", "))
end

runner.slowness = 1

-- Scales the time limits of a test file whose VMs run in other processes, and
-- those of the runs in it, by how slow VMs are here. Returns that factor.
function runner.scale_limits()
	local vm = provium.fixture(provium.profile)
	runner.slowness = vm.core:info().slowness
	vm:kill()
	return runner.slowness
end

-- Returns the time limit of a run with VMs, in seconds, for one of s seconds on
-- the machines for which the tests were written, whose slowness is 1 to 3.
function runner.limit_s(s) return math.ceil(s * math.max(1, runner.slowness / 3)) end

-- Environment variables with this host's probe results, for runs with other
-- kernels, which would probe again.
local probed
function runner.probed()
	if os.getenv("PROVIUM_BOOT") then return {} end
	if not probed then
		local start = core.now()
		local kind, link = runner.shell(quote(runner.path) .. " exec " .. provium.profile .. " true 2>&1")
			:match("^accel (%l+)/?(%l*)")
		probed = {
			ACCEL = kind, TRANSPORT = link ~= "" and link or "serial",
			PROVIUM_BOOT = core.now() - start,
		}
	end
	return probed
end

-- Returns them as words of a shell, NAME=VALUE.
function runner.probed_words()
	local words = {}
	for name, value in pairs(runner.probed()) do words[#words + 1] = ("%s=%s"):format(name, value) end
	return table.concat(words, " ")
end

-- Copies the runner to dir/out/bin/. A runner takes the folder above its bin/
-- for the output folder, so dir/out also gets the built profile and the
-- initramfs.
function runner.copy_to(dir)
	runner.shell(("cd %s && mkdir -p out/bin out/initramfs && cp %s out/bin/ && ln -s %s/initramfs/base.cpio out/initramfs/")
		:format(quote(dir), quote(runner.path), quote(runner.home)))
	runner.write(dir .. "/out/provium.toml", runner.profile_toml {})
end

-- Returns the output without the parts that differ from run to run: times, the
-- checkout's path and, unless they are asked for, the commands that repeat
-- failures and that start gdb on them.
local function neutral(said, commands)
	if not commands then
		said = said:gsub("%f[^\n\0] *#? ?repeat: [^\n]*\n", ""):gsub("%f[^\n\0] *#? ?look: [^\n]*\n[^\n]* in gdb: [^\n]*\n", "")
	end
	said = said:gsub("(, )%d+%.%d+s%)", "%1Ts)"):gsub('(time=)"%d+%.%d+"', '%1"T"')
	said = said:gsub('("seconds":)[%d.e-]+', "%1T"):gsub("20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d", "DATE")
	said = said:gsub('("timeline":)%b{}', "%1T")
	-- With sanitizers the runner is in another folder.
	for _, names in ipairs { { runner.canned, "CANNED" }, { runner.path, "RUNNER" }, { runner.home, "HOME" } } do
		said = said:gsub(names[1]:gsub("%p", "%%%0"), names[2])
	end
	return said
end

-- Returns a shell command for one run. opts: cwd (default: the canned suites'
-- folder), env; prefix, the command to run it with, in which the limit of
-- { runner.timeout, "-k", "5", SECONDS } is scaled.
function runner.command(args, opts)
	opts = opts or {}
	local words = { "cd", quote(opts.cwd or runner.canned), "&& exec env" }
	for name, value in pairs(opts.env or {}) do words[#words + 1] = quote(name .. "=" .. value) end
	local prefix = opts.prefix or { runner.timeout, "-k", "5", "600" }
	local has_limit = prefix[1] == runner.timeout and prefix[2] == "-k"
	for i, word in ipairs(prefix) do
		words[#words + 1] = quote(has_limit and i == 4 and tostring(runner.limit_s(tonumber(word))) or word)
	end
	words[#words + 1] = quote(opts.runner or runner.path)
	for _, word in ipairs(args) do words[#words + 1] = quote(word) end
	words[#words + 1] = "</dev/null 2>&1"
	return table.concat(words, " ")
end

-- Runs the runner. Returns { said, status } or { said, signal }; said is stdout
-- and stderr together. opts: as for runner.command(); also commands = true,
-- which keeps the commands that repeat failures, and raw = true, which keeps
-- the output unchanged.
function runner.run(args, opts)
	local pipe = assert(io.popen(runner.command(args, opts)))
	local said = pipe:read("a")
	local _, how, code = pipe:close()
	if not (opts and opts.raw) then said = neutral(said, opts and opts.commands) end
	return { said = said, status = how == "exit" and code or nil, signal = how == "signal" and code or nil }
end

-- Runs a suite, and returns the events of its tests by name. opts: as for
-- run().
function runner.test_events(suite, opts)
	opts = opts or {}
	opts.raw = true
	local events = {}
	for line in runner.run({ "test", "--format", "json", suite }, opts).said:gmatch("[^\n]+") do
		local event = core.json(line)
		if event and event.event == "test" then events[event.name] = event end
	end
	return events
end

-- Returns the folder for recordings of the tests in a folder.
function runner.recordings_of(dir) return runner.home .. "/record" .. dir end

-- Returns a new empty folder on the host, in the folder parent if it is given,
-- and a value that removes it and recordings of tests in it when it is closed.
function runner.new_folder(parent)
	local dir = runner.shell("mktemp -d" .. (parent and " -p " .. quote(parent) or ""))
	return dir, setmetatable({}, { __close = function()
		os.execute(("rm -rf %s %s"):format(quote(dir), quote(runner.recordings_of(dir))))
	end })
end

-- Calls fn with a new empty folder, and removes it afterwards.
function runner.with_folder(fn)
	local dir, _ <close> = runner.new_folder()
	fn(dir)
end

function runner.write(path, data)
	local file = assert(io.open(path, "wb"))
	assert(file:write(data))
	file:close()
	return path
end

-- Writes a file, and makes the folders above it.
function runner.add_file(path, data)
	runner.shell("mkdir -p " .. quote(path:match("^(.*)/")))
	runner.write(path, data)
end

-- Returns the file's bytes, or nil if it cannot be opened.
function runner.read(path)
	local file = io.open(path, "rb")
	local data = file and file:read("a")
	if file then file:close() end
	return data
end

-- Returns the provium.toml of the profile in use, with absolute paths, and with
-- other values of these keys. name: the profile's name there (default:
-- unchanged).
function runner.profile_toml(changes, name)
	local text = runner.read(("%s/profile/%s/profile.toml"):format(runner.home, provium.profile))
	text = text:gsub('= "(%l+/)', ('= "%s/%%1'):format((runner.home:gsub("%%", "%%%%"))))
	for key, value in pairs(changes) do
		local line = ("(\n%s *= )[^\n]*"):format(key)
		text = text:gsub(line, function(start) return ('%s"%s"'):format(start, value) end)
	end
	return name and text:gsub("^%[profile%.[^]]*%]", ("[profile.%s]"):format(name)) or text
end

-- For the top of a file whose suites boot the profile's kernel without its
-- drivers, on a microvm. If the kernel has its drivers as modules, declares a
-- skipped test of this title, and returns true.
function runner.lacks_vmlinux(title)
	local path = ("profile/%s/vmlinux"):format(provium.profile)
	if core.identity(runner.home .. "/" .. path) then return false end
	test(title, function() skip("needs a kernel that was built here: there is no " .. path) end)
	return true
end

-- Returns Lua code that sets is_second: true in the second run of it for this
-- folder.
function runner.counting_code(dir)
	return ([[
		local count = io.open("%s/count", "a+")
		count:write("x")
		count:flush()
		count:seek("set")
		local is_second = #count:read("a") == 2
	]]):format(dir)
end

-- --- processes ---

-- Returns how many processes have this word, NAME=VALUE, in their environment.
function runner.count_marked(word)
	return tonumber(runner.shell(("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -cFx -- %s"):format(quote(word))))
end

-- Writes a shell script that fails unless two processes, runner and QEMU, have
-- the word in their environment. Returns its path.
function runner.write_marked_check(folder, word)
	return runner.write(folder .. "/marked", ("test $(grep -lsaF -- %s /proc/[0-9]*/environ | wc -l) -ge 2\n")
		:format(quote(word)))
end

function runner.is_alive(pid)
	local stat = runner.read(("/proc/%d/stat"):format(pid))
	return stat ~= nil and stat:match("^.*%) (%a)") ~= "Z"
end

-- Returns the pid of a QEMU that descends from this process, or nil.
function runner.qemu_below(pid)
	local parents, names = {}, {}
	for line in runner.shell("cat /proc/[0-9]*/stat 2>/dev/null"):gmatch("[^\n]+") do
		local p, name, parent = line:match("^(%d+) %((.*)%) %a (%d+)")
		if p then parents[tonumber(p)], names[tonumber(p)] = tonumber(parent), name end
	end
	for p, name in pairs(names) do
		local above = p
		while above and above ~= pid do above = parents[above] end
		if above and name:find("^qemu") then return p end
	end
end

-- Starts a run. Returns the runner's pid, and a function that waits for it and
-- returns status and output.
function runner.start(args, opts)
	opts = opts or {}
	opts.prefix = opts.prefix or {}
	local out, status = os.tmpname(), os.tmpname()
	local pipe = assert(io.popen(("( %s ) >%s & echo $!; exec >&- 2>/dev/null; wait $!; echo $? >%s")
		:format(runner.command(args, opts), out, status)))
	local pid = tonumber(pipe:read("l"))
	return pid, function()
		pipe:close()
		local result, said = tonumber(runner.read(status)), neutral(runner.read(out))
		os.remove(out)
		os.remove(status)
		return result, said
	end
end

-- Starts a shell command. Returns its pid, and a value that ends it when it is
-- closed. cwd, and stdout: a file for its output, with stderr.
function runner.background(cmd, cwd, stdout)
	-- The shell waits for it: a command can end with its parent.
	local pipe = assert(io.popen(("cd %s && { exec %s >%s 2>&1 </dev/null & echo $!; wait; }"):format(quote(cwd), cmd, quote(stdout))))
	local pid = tonumber(pipe:read("l"))
	return pid, setmetatable({}, { __close = function()
		os.execute(("kill %d 2>/dev/null"):format(pid))
		pipe:close()
	end })
end

function runner.assert_gone(pid, what)
	wait_until(function() return not runner.is_alive(pid) end,
		{ timeout = 5, interval = 0.01, desc = ("the end of %s (pid %d)"):format(what or "QEMU", pid) })
end

return runner
