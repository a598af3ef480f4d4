-- SPDX-License-Identifier: GPL-2.0-only
-- run(): programs without a shell, and what programs inherit: process group,
-- session, signals and terminal.

local vm = provium.create():boot()

-- A command that prints what a program inherits: the ids of its process, and
-- its signals. The parent death signal is not among them, because busybox has
-- no prctl: program.lua reads it in C.
local STATUS = { "cat", "/proc/self/stat", "/proc/self/status" }

-- Returns the pid, parent, process group, session, terminal and the terminal's
-- foreground group from the text of /proc/PID/stat.
local function ids(stat)
	local fields = {}
	for field in stat:match("^.*%)(.*)"):gmatch("%S+") do fields[#fields + 1] = tonumber(field) or field end
	return { pid = tonumber(stat:match("^%d+")), parent = fields[2], group = fields[3], session = fields[4],
		tty = fields[5], foreground = fields[6] }
end

test("run passes each argument as it is, without a shell", function()
	assert_eq("a b|$HOME|;|*||7\n", vm:run({ "printf", "%s|%s|%s|%s|%s|%s\\n", "a b", "$HOME", ";", "*", "", 7 }).stdout)
end)

test("run returns the exit code, the signal, stdout and stderr of the program", function()
	assert_eq({ ok = true, exit_code = 0, stdout = "", stderr = "" }, vm:run { "true" })
	assert_eq({ ok = false, exit_code = 3, stdout = "o\n", stderr = "e\n" },
		vm:run { "sh", "-c", "echo o; echo e >&2; exit 3" })
	local r = vm:run { "sh", "-c", "kill -SEGV $$" }
	assert_eq({ 139, 11 }, { r.exit_code, r.signal })
end)

test("run takes stdin, cwd and env", function()
	local r = vm:run({ "sh", "-c", "pwd; echo $GREETING; cat" }, { stdin = "in", cwd = "/proc", env = { GREETING = "hi" } })
	assert_eq("/proc\nhi\nin", r.stdout)
end)

test("run looks for the program in PATH, which env can set", function()
	vm:write_file("/tmp/only-here", "#!/bin/sh\necho found\n", { mode = 493 })
	assert_eq("found\n", vm:run({ "only-here" }, { env = { PATH = "/none:/tmp" } }).stdout)
	local err = assert_error(function() vm:run { "only-here", "x" } end, 'run "only%-here x": ENOENT')
	assert_eq("ENOENT", err.errno)
end)

test("run of a file that is not executable raises EACCES", function()
	vm:write_file("/tmp/plain", "x")
	assert_error(function() vm:run { "/tmp/plain" } end, 'run "/tmp/plain": EACCES')
end)

test("run in a folder that does not exist raises ENOENT with its path", function()
	assert_error(function() vm:run({ "true" }, { cwd = "/none" }) end, "cwd /none: ENOENT")
end)

test("the errors of run for arguments that are no list of strings name the fault", function()
	assert_error(function() vm:run("ls") end, "run: argv: expected a list of a program and its arguments")
	assert_error(function() vm:run {} end, "run: argv: expected a list")
	assert_error(function() vm:run { "ls", {} } end, "run: argv%[2%]: expected a string, got table")
	assert_error(function() vm:run { "ls", "a\0b" } end, "run: argv%[2%]: has a zero byte")
	assert_error(function() vm:run({ "ls" }, { ttty = true }) end, "run: unknown option \"ttty\"")
end)

local function assert_like_from_a_shell(out)
	local self = ids(out:match "^[^\n]*")
	assert_eq(self.pid, self.group, "it leads its process group")
	assert_ne(self.pid, self.session, "it does not lead its session")
	for _, set in ipairs { "SigBlk", "SigIgn", "SigCgt" } do
		assert_eq(0, tonumber(out:match(set .. ":%s*(%x+)"), 16), set)
	end
	return self
end

test("a program of run() leads its group, not its session, and has default signals", function()
	assert_eq(0, assert_like_from_a_shell(vm:run(STATUS).stdout.value).tty)
end)

test("the last program of an exec() command leads no session and has default signals", function()
	local out = vm:exec(table.concat(STATUS, " ")).stdout.value
	local self = ids(out)
	assert_ne(self.pid, self.session)
	assert_contains(out, "SigIgn:\t0000000000000000\n")
end)

test("the last program of a job leads no session and has default signals", function()
	local job = vm:background(table.concat(STATUS, " "))
	local out = vm:job_wait(job, 10).stdout
	assert_ne(ids(out).pid, ids(out).session)
	assert_contains(out, "SigIgn:\t0000000000000000\n")
end)

test("the result of exec() has the signal that ended the command's last program", function()
	for _, signal in ipairs { 1, 2, 6, 9, 11, 15, 34, 64 } do
		local r = vm:exec(("sh -c 'kill -%d $$'"):format(signal))
		assert_eq({ 128 + signal, signal }, { r.exit_code, r.signal })
	end
end)

test("exec() returns an exit status that stands for no signal as it is", function()
	for _, code in ipairs { 1, 128, 147, 148, 150, 193, 255 } do
		local r = vm:exec(("sh -c 'exit %d'"):format(code))
		assert_eq({ code }, { r.exit_code, r.signal })
	end
end)

test("exec runs a command that begins or ends with a comment, a newline or a backslash", function()
	for _, cmd in ipairs { "# a comment", "true # a comment", "\ntrue", "cat <<END\nx\nEND", "true \\", "" } do
		assert_eq(0, vm:exec(cmd).exit_code, cmd)
	end
	assert_eq(2, vm:exec("if").exit_code)
	assert_eq("sh 0\n", vm:exec("echo $0 $#").stdout)
	assert_eq(1, vm:exec("set -e; false; true").exit_code)
end)

-- --- programs on a terminal (tty = true) ---

test("tty: a program's streams are a terminal of 80 by 24, in whose foreground it is", function()
	local out = vm:run({ "sh", "-c", "tty; stty size; cat /proc/self/stat" }, { tty = true }).stdout
	assert_eq({ "/dev/pts/0", "24 80" }, { out:match "^(%S+)\r\n([%d ]+)\r\n" })
	local self = ids(out:match "[^\n]*\r\n$")
	assert_eq(self.group, self.foreground)
	assert_ne(self.group, self.session)
	assert_ne(0, self.tty)
end)

test("tty: a program has default signals and can open /dev/tty", function()
	local out = vm:run({ "cat", table.unpack(STATUS, 2) }, { tty = true }).stdout.value
	assert_like_from_a_shell(out)
	assert_eq("x\r\n", vm:run({ "sh", "-c", "echo x >/dev/tty" }, { tty = true }).stdout)
end)

test("tty: the program gets stdin as if typed, and Ctrl-C in it interrupts the program", function()
	assert_eq("ab\r\nab\r\n", vm:run({ "head", "-n1" }, { tty = true, stdin = "ab\n" }).stdout)
	local r = vm:run({ "sleep", "1000" }, { tty = true, stdin = "\3", timeout = 20 })
	assert_eq({ 130, 2 }, { r.exit_code, r.signal })
end)

test("tty: an output of megabytes arrives whole, and so does the exit code", function()
	local r = vm:run({ "sh", "-c", "stty raw; head -c 3000000 /dev/zero; exit 5" }, { tty = true })
	assert_eq({ 3000000, 5 }, { #r.stdout, r.exit_code })
	assert_eq("", r.stdout:gsub("%z+", ""))
end)

test("tty: a program that closes the terminal for a moment keeps its output", function()
	local r = vm:run({ "sh", "-c", "t=$(tty); echo a; exec <&- >&- 2>&-; usleep 100000; exec >$t; echo b" }, { tty = true })
	assert_eq("a\r\nb\r\n", r.stdout)
end)

test("tty: a missing program raises ENOENT", function()
	assert_error(function() vm:run({ "/none" }, { tty = true }) end, 'run "/none": ENOENT')
end)

test("tty: a program past its deadline is killed, even if it ignores SIGHUP", function()
	local err = assert_error(function()
		vm:run({ "sh", "-c", "trap '' HUP; echo so far; sleep 1000; true" }, { tty = true, timeout = 1 })
	end, "no result within")
	assert_eq("so far\r\n", err.stdout.value)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

-- --- how programs end ---

test("run that reaches its time limit keeps the output, and the program is killed", function()
	local err = assert_error(function() vm:run({ "sh", "-c", "echo so far; exec sleep 1000" }, { timeout = 1 }) end,
		"no result within")
	assert_eq("so far\n", err.stdout.value)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("the error of a command past its deadline shows where its program waits", function()
	local err = assert_error(function() vm:exec("sh -c 'sleep 1000; true'; true", { timeout = 1 }) end, "no result within")
	assert_contains(err.message, "nanosleep")
end)

test("run keeps the output of a program that panics the guest", { expect_panic = true }, function()
	local own = provium.create():boot()
	local err = assert_error(function()
		own:run { "sh", "-c", "echo last words; usleep 200000; echo c >/proc/sysrq-trigger" }
	end, "panicked")
	assert_eq("last words\n", err.stdout.value)
end)

test("a program of run() has no parent death signal, and still ends with its worker", function()
	local worker = vm:spawn()
	local call = worker:async("run", { "sleep", "1001" })
	vm:wait_until(function() return vm:exec("pidof sleep").ok end, { interval = 0.01 })
	worker:kill()
	vm:wait_until(function() return not vm:exec("pidof sleep").ok end, { interval = 0.01 })
	assert_error(function() call:wait() end)
end)

test("a program on a terminal and the leader of its session end with its worker", function()
	local worker = vm:spawn()
	worker:async("run", { "sh", "-c", "trap '' HUP; sleep 1001; true" }, { tty = true })
	vm:wait_until(function() return vm:exec("pidof sleep").ok end, { interval = 0.01 })
	worker:kill()
	vm:wait_until(function() return not vm:exec("pidof sleep").ok end, { interval = 0.01 })
end)

test("the tests of this file leave no descriptor open", function()
	assert_eq(3, vm:syscall("dup", 0))
	assert_eq(0, vm:syscall("close", 3))
end)
