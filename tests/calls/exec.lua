-- SPDX-License-Identifier: GPL-2.0-only
-- exec(): shell commands, what they say and how they end.

local vm = provium.create("minimal"):boot()

local function all_bytes()
	local bytes = {}
	for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
	return table.concat(bytes)
end

test("stdout and stderr come apart", function()
	local r = vm:exec("echo out; echo err >&2")
	assert_eq("out\n", r.stdout)
	assert_eq("err\n", r.stderr)
end)

test("exit status 0 is ok", function()
	local r = vm:exec("true")
	assert_eq({ ok = true, exit_code = 0, stdout = "", stderr = "" }, r)
end)

test("any other exit status is not ok", function()
	local r = vm:exec("exit 42")
	assert_eq({ ok = false, exit_code = 42, stdout = "", stderr = "" }, r)
end)

test("a command that there is not exits with 127", function()
	local r = vm:exec("no-such-command")
	assert_eq(127, r.exit_code)
	assert_contains(r.stderr, "no-such-command: not found")
end)

test("death by a signal is 128 and the signal, and names it", function()
	local r = vm:exec("kill -9 $$")
	assert_eq({ ok = false, exit_code = 137, signal = 9, stdout = "", stderr = "" }, r)
	assert_eq(15, vm:exec("kill -15 $$").signal)
end)

test("an exit status above 128 is no signal", function()
	local r = vm:exec("exit 137")
	assert_eq(137, r.exit_code)
	assert_eq(nil, r.signal)
end)

test("signals are not ignored on a command's behalf", function()
	assert_eq(13, vm:exec("kill -PIPE $$").signal)
end)

test("output before the death is kept", function()
	local r = vm:exec("echo last words; kill -9 $$")
	assert_eq("last words\n", r.stdout)
end)

test("stdin: a command reads what it is given", function()
	assert_eq("three\n", vm:exec("wc -w | sed s/3/three/", { stdin = "a b c" }).stdout)
end)

test("stdin: none is an empty one", function()
	assert_eq("0\n", vm:exec("wc -c").stdout)
end)

test("stdin: 1 MiB goes in and out at the same time", function()
	local data = all_bytes():rep(4096)
	assert_eq(data, vm:exec("cat", { stdin = data }).stdout.value)
end)

test("stdin: a command need not read it", function()
	assert_eq("done\n", vm:exec("echo done", { stdin = ("x"):rep(1 << 20) }).stdout)
end)

test("env adds to the environment", function()
	local r = vm:exec("echo $GREETING $PATH", { env = { GREETING = "hello there" } })
	assert_eq("hello there /sbin:/usr/sbin:/bin:/usr/bin\n", r.stdout)
end)

test("env replaces what is there", function()
	assert_eq("/nowhere\n", vm:exec("echo $HOME", { env = { HOME = "/nowhere" } }).stdout)
end)

test("cwd is where it runs", function()
	assert_eq("/proc\n", vm:exec("pwd", { cwd = "/proc" }).stdout)
end)

test("cwd: a folder that there is not is ENOENT and named", function()
	assert_error(function() vm:exec("pwd", { cwd = "/none" }) end, "cwd /none: ENOENT")
end)

test("every byte passes, zeros and line ends too", function()
	local data = all_bytes()
	vm:write_file("/tmp/bytes", data)
	assert_eq(data, vm:exec("cat /tmp/bytes").stdout.value)
end)

test("a command may be longer than one line, and 100 kB long", function()
	assert_eq("a\nb\n", vm:exec("echo a\necho b").stdout)
	assert_eq("102400\n", vm:exec("x=" .. ("y"):rep(102400) .. "; echo ${#x}").stdout)
end)

test("a command of 128 kB is more than the kernel takes: E2BIG", function()
	assert_error(function() vm:exec("echo " .. ("y"):rep(131072)) end, "E2BIG")
end)

test("only descriptors 0, 1 and 2 are a command's", function()
	-- The shell lists its own folder: 3 is the open folder itself.
	assert_eq("0\n1\n2\n3\n", vm:exec("ls -1 /proc/self/fd").stdout)
end)

test("16 MiB of output are the most", function()
	assert_eq(16 << 20, #vm:exec("head -c 16777216 /dev/zero").stdout)
end)

test("one byte more is an error that names the stream, and the command is killed", function()
	local err = assert_error(function() vm:exec("cat /dev/zero") end, "more than 16 MiB on stdout; the command was killed")
	assert_eq("op", err.kind)
	assert_error(function() vm:exec("cat /dev/zero >&2") end, "more than 16 MiB on stderr")
	assert_ne(0, vm:exec("pidof cat").exit_code)
end)

test("what a command leaves running does not keep it from ending", function()
	local r = vm:exec("sleep 1000 & echo started")
	assert_eq("started\n", r.stdout)
	assert(vm:exec("pidof sleep && killall sleep").ok)
end)

test("a command past its deadline is killed, and the error says so", function()
	local err = assert_error(function() vm:exec("exec sleep 1000", { timeout = "200ms" }) end,
		"exec \"exec sleep 1000\": no result within .* s; the command was killed")
	assert_eq("timeout", err.kind)
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("the children of such a command die with it", function()
	assert_error(function() vm:exec("sleep 1000 | cat", { timeout = 0.2 }) end, "no result within")
	assert_ne(0, vm:exec("pidof sleep").exit_code)
end)

test("a deadline of a command leaves descriptors as they were", function()
	local fd = vm:syscall("dup", 0)
	assert_error(function() vm:exec("sleep 1000", { timeout = 0.2 }) end, "no result within")
	assert_eq(0, vm:syscall("close", fd))
end)

test("vm.timeout is the deadline of every call without one", function()
	local before = vm.timeout
	assert_eq(60, before)
	vm.timeout = 0.2
	assert_error(function() vm:exec("sleep 1000") end, "no result within")
	vm.timeout = before
	assert(vm:exec("true").ok)
end)

test("wait_until sees what a command in the background brings about", function()
	vm:exec("rm -f /tmp/flag; (usleep 20000; echo up >/tmp/flag) >/dev/null 2>&1 &")
	local flag = vm:wait_until(function() return vm:exec("cat /tmp/flag").stdout:match("%w+") end,
		{ timeout = 5, interval = 0.01, desc = "the flag" })
	assert_eq("up", flag)
end)

test("an unknown option is refused", function()
	assert_error(function() vm:exec("true", { stdinn = "x" }) end, "exec: unknown option \"stdinn\"; there are: cwd, env, stdin, timeout")
end)

test("a command that is no string is refused", function()
	assert_error(function() vm:exec(42) end, "exec: command: expected a string, got number")
end)
