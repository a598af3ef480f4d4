-- SPDX-License-Identifier: GPL-2.0-only
-- exec(): shell commands, their output and their exit.

local vm = provium.create():boot()

local function all_bytes()
	local bytes = {}
	for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
	return table.concat(bytes)
end

test("exec returns stdout and stderr as two texts", function()
	local r = vm:exec("echo out; echo err >&2")
	assert_eq("out\n", r.stdout)
	assert_eq("err\n", r.stderr)
end)

test("exec of a command with exit status 0 returns ok = true", function()
	local r = vm:exec("true")
	assert_eq({ ok = true, exit_code = 0, stdout = "", stderr = "" }, r)
end)

test("exec of a command with exit status 42 returns ok = false and the status", function()
	local r = vm:exec("exit 42")
	assert_eq({ ok = false, exit_code = 42, stdout = "", stderr = "" }, r)
end)

test("exec of an unknown command returns exit code 127", function()
	local r = vm:exec("no-such-command")
	assert_eq(127, r.exit_code)
	assert_contains(r.stderr, "no-such-command: not found")
end)

test("exec of a command killed by a signal returns 128 + signal, and the signal", function()
	local r = vm:exec("kill -9 $$")
	assert_eq({ ok = false, exit_code = 137, signal = 9, stdout = "", stderr = "" }, r)
	assert_eq(15, vm:exec("kill -15 $$").signal)
end)

test("exec of a command with exit status 137 returns no signal", function()
	local r = vm:exec("exit 137")
	assert_eq(137, r.exit_code)
	assert_eq(nil, r.signal)
end)

test("a command starts with no signal ignored", function()
	assert_eq(13, vm:exec("kill -PIPE $$").signal)
end)

test("exec returns the output that a command wrote before a signal killed it", function()
	local r = vm:exec("echo last words; kill -9 $$")
	assert_eq("last words\n", r.stdout)
end)

test("stdin: a command reads the string", function()
	assert_eq("three\n", vm:exec("wc -w | sed s/3/three/", { stdin = "a b c" }).stdout)
end)

test("stdin: a command without one reads an empty file", function()
	assert_eq("0\n", vm:exec("wc -c").stdout)
end)

test("stdin: 1 MiB is written while the command's output is read", function()
	local data = all_bytes():rep(4096)
	assert_eq(data, vm:exec("cat", { stdin = data }).stdout.value)
end)

test("stdin: a command that does not read it ends as usual", function()
	assert_eq("done\n", vm:exec("echo done", { stdin = ("x"):rep(1 << 20) }).stdout)
end)

test("env: a variable is added to the environment", function()
	local r = vm:exec("echo $GREETING $PATH", { env = { GREETING = "hello there" } })
	assert_eq("hello there /sbin:/usr/sbin:/bin:/usr/bin\n", r.stdout)
end)

test("env: a variable replaces the inherited variable of the same name", function()
	assert_eq("/nowhere\n", vm:exec("echo $HOME", { env = { HOME = "/nowhere" } }).stdout)
end)

test("cwd: the command runs in that folder", function()
	assert_eq("/proc\n", vm:exec("pwd", { cwd = "/proc" }).stdout)
end)

test("cwd: a missing folder raises ENOENT with its path", function()
	assert_error(function() vm:exec("pwd", { cwd = "/none" }) end, "cwd /none: ENOENT")
end)

test("exec returns every byte value in the output", function()
	local data = all_bytes()
	vm:write_file("/tmp/bytes", data)
	assert_eq(data, vm:exec("cat /tmp/bytes").stdout.value)
end)

test("exec takes a command of several lines, and one of 100 kB", function()
	assert_eq("a\nb\n", vm:exec("echo a\necho b").stdout)
	assert_eq("102400\n", vm:exec("x=" .. ("y"):rep(102400) .. "; echo ${#x}").stdout)
end)

test("exec of a command of 128 kB raises E2BIG", function()
	assert_error(function() vm:exec("echo " .. ("y"):rep(131072)) end, "E2BIG")
end)

test("a command has no descriptors but 0, 1 and 2", function()
	-- Descriptor 3 is the folder that ls reads.
	assert_eq("0\n1\n2\n3\n", vm:exec("ls -1 /proc/self/fd").stdout)
end)

test("exec returns 16 MiB of output", function()
	assert_eq(16 << 20, #vm:exec("head -c 16777216 /dev/zero").stdout)
end)

test("more than 16 MiB of output kills the command and raises an error with the stream", function()
	local err = assert_error(function() vm:exec("cat /dev/zero") end, "more than 16 MiB on stdout; the command was killed")
	assert_eq("op", err.kind)
	assert_error(function() vm:exec("cat /dev/zero >&2") end, "more than 16 MiB on stderr")
	assert_ne(0, vm:exec("pidof cat").exit_code)
end)

test("exec returns when the command ends, although a background process runs on", function()
	local r = vm:exec("sleep 1000 & echo started")
	assert_eq("started\n", r.stdout)
	assert(vm:exec("pidof sleep && killall sleep").ok)
end)

test("a command past its deadline is killed, and exec raises a timeout", function()
	local err = assert_error(function() vm:exec("exec sleep 1000", { timeout = "200ms" }) end,
		"exec \"exec sleep 1000\": no result within .* s; the command was killed")
	assert_eq("timeout", err.kind)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("the children of a command past its deadline are killed, too", function()
	assert_error(function() vm:exec("sleep 1000 | cat", { timeout = 0.2 }) end, "no result within")
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("a command past its deadline does not change the VM's descriptors", function()
	local fd = vm:syscall("dup", 0)
	assert_error(function() vm:exec("sleep 1000", { timeout = 0.2 }) end, "no result within")
	assert_eq(0, vm:syscall("close", fd))
end)

test("vm.timeout is the deadline of calls that have no timeout of their own", function()
	local before = vm.timeout
	assert_eq(60, before)
	vm.timeout = 0.2
	assert_error(function() vm:exec("sleep 1000") end, "no result within")
	vm.timeout = before
	assert(vm:exec("true").ok)
end)

test("wait_until returns its function's result once that is not nil", function()
	vm:exec("rm -f /tmp/flag; (usleep 20000; echo up >/tmp/flag) >/dev/null 2>&1 &")
	local flag = vm:wait_until(function() return vm:exec("cat /tmp/flag").stdout:match("%w+") end,
		{ timeout = 5, interval = 0.01, desc = "the flag" })
	assert_eq("up", flag)
end)

test("the error of exec for an unknown option lists the known options", function()
	assert_error(function() vm:exec("true", { stdinn = "x" }) end, "exec: unknown option \"stdinn\"; the options are: cwd, env, stdin, timeout")
end)

test("exec of a command that is no string raises an error", function()
	assert_error(function() vm:exec(42) end, "exec: command: expected a string, got number")
end)
