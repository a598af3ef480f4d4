---@meta
-- SPDX-License-Identifier: GPL-2.0-only
-- Types of the Lua API, for an editor's language server (LuaLS). The
-- descriptions are sentences of docs/api.md; tests/harness/types.lua compares
-- names and parameters to docs/api.md and to the API.

---A number of seconds, or a string such as "500ms", "5s" or "10m".
---@alias Duration number|string

---An argument of a system call: an integer, or what stands for a pointer.
---@alias Argument integer|string|Text|Pointer

---What provium.out(), provium.inout() and provium.struct() return.
---@class Pointer

---The output of a command: all string methods work, too.
---@class Text: string
---@field value string
---@field contains fun(s: string): boolean
---@field starts_with fun(s: string): boolean
---@field trim fun(): string

---@class Result
---@field ok boolean The exit code is 0.
---@field exit_code integer 128+n if killed by signal n
---@field signal? integer
---@field stdout Text
---@field stderr Text

---A result that a test program has printed.
---@class ProgramResult
---@field name string
---@field verdict "ok"|"FAIL"|"BROKEN"|"skip"|"todo"
---@field message? string
---@field seconds? number
---@field results? ProgramResult[]

---@class ProgramResults
---@field passed integer
---@field failed integer
---@field skipped integer
---@field results ProgramResult[]

---An error that is not a failed assertion.
---@class Error
---@field message string
---@field kind "op"|"guest"|"timeout"|"broken"|"user"
---@field errno? string The name of the errno.
---@field stdout? string What the command had printed before the time limit.
---@field stderr? string

---@class Job
---@field id integer
---@field pid integer

---@class JobState
---@field running boolean
---@field exit_code integer -1 while the job runs
---@field signal? integer
---@field stdout string
---@field stderr string
---@field stdout_dropped? integer
---@field stderr_dropped? integer

---@class Snapshot

---@class Call
local Call = {}

---@class PointerSpec
---@field buf_idx? integer
---@field parent? integer
---@field ptr_offset integer
---@field data_len integer
---@field data? string
---@field output? boolean

---@class StructSpec
---@field parent? integer
---@field ptr_offset integer
---@field buf_len integer
---@field data? string
---@field output? boolean

---@class FixtureOptions
---@field seed? integer

---@class ClaimOptions
---@field memory string
---@field cpus? integer

---@class RaceOptions
---@field rounds? integer

---@class Disk
---@field path string
---@field format? "raw"|"qcow2"
---@field readonly? boolean

---@class BootOptions
---@field memory? string
---@field cpus? integer
---@field files? table<string, string>
---@field disks? Disk[]
---@field append? string
---@field timeout? Duration

---@class ExecOptions
---@field timeout? Duration
---@field cwd? string
---@field env? table<string, string|number>
---@field stdin? string

---@class RunOptions: ExecOptions
---@field tty? boolean

---@class KselftestOptions
---@field args? (string|number)[]
---@field env? table<string, string|number>
---@field timeout? Duration

---@class ProgramOptions: KselftestOptions
---@field tty? boolean

---@class BackgroundOptions
---@field cwd? string
---@field env? table<string, string|number>

---@class WriteOptions
---@field mode? integer

---@class WaitOptions
---@field timeout? Duration
---@field interval? Duration
---@field desc? string

---@class SpawnOptions
---@field thread? boolean
---@field uid? integer
---@field gid? integer
---@field groups? integer[]
---@field caps? string[]
---@field no_new_privs? boolean

---@class TestOptions
---@field timeout? Duration
---@field fixture? string
---@field expect? string
---@field expect_panic? boolean|string
---@field expect_reset? boolean
---@field leave_clean? boolean
---@field leaks? boolean

-- --- the module provium ---

---@class provium
---@field profile string
---@field timeout Duration
---@field const table<string, integer>
---@field errno table<string|integer, integer|string>
---@field nr table<string, integer>
provium = {}

---Returns a VM that is not booted, by default of the profile in use
---(`provium.profile`). Raises an error that lists the profiles if there is no
---such profile.
---@param profile? string
---@return VM
function provium.create(profile) end

---Returns a booted VM: a clone of the fixture that `fixtures/NAME.lua` makes,
---in the test's folder or a folder above it.
---@param name string
---@param opts? FixtureOptions
---@return VM
function provium.fixture(name, opts) end

---Shuts down every VM of this file.
function provium.shutdown_all() end

---Returns the values as a binary string.
---@param fmt string
---@param ... integer|string
---@return string
function provium.pack(fmt, ...) end

---Returns one value for each specifier except `xN`; `sN` returns all N bytes.
---`offset` counts from 0. Raises an error if `data` is too short.
---@param fmt string
---@param data string|Text
---@param offset? integer
---@return any ...
function provium.unpack(fmt, data, offset) end

---Memory for a pointer that a system call takes; see `vm:syscall`. `out` is `n`
---zero bytes, `inout` a string or struct; both are returned after the call.
---@param n integer
---@return Pointer
function provium.out(n) end

---Memory for a pointer that a system call takes; see `vm:syscall`. `out` is `n`
---zero bytes, `inout` a string or struct; both are returned after the call.
---@param data string|Text|Pointer
---@return Pointer
function provium.inout(data) end

---Memory for a pointer that a system call takes; see `vm:syscall`. `out` is `n`
---zero bytes, `inout` a string or struct; both are returned after the call.
---@param fmt string
---@param ... Argument
---@return Pointer
function provium.struct(fmt, ...) end

---Return ioctl numbers. `type` is a one-letter string or a number.
---@param type string|integer
---@param nr integer
---@return integer
function provium.IO(type, nr) end

---Return ioctl numbers. `type` is a one-letter string or a number.
---@param type string|integer
---@param nr integer
---@param size integer
---@return integer
function provium.IOR(type, nr, size) end

---Return ioctl numbers. `type` is a one-letter string or a number.
---@param type string|integer
---@param nr integer
---@param size integer
---@return integer
function provium.IOW(type, nr, size) end

---Return ioctl numbers. `type` is a one-letter string or a number.
---@param type string|integer
---@param nr integer
---@param size integer
---@return integer
function provium.IOWR(type, nr, size) end

---Ignores kernel complaints that match the Lua pattern, for the rest of the
---file. The summary counts them.
---@param pattern string
---@param reason string
function provium.ignore(pattern, reason) end

---Reserves what the file's VMs will use together, before the first of them
---boots: `memory = "1G"` for two VMs of 512 MiB. The file is then sure to get
---them.
---@param opts ClaimOptions
function provium.claim(opts) end

---`a` and `b` are lists `{worker, method, ...}` of a system call or ioctl.
---@param a table
---@param b table
---@param opts? RaceOptions
---@return any[][][]
function provium.race(a, b, opts) end

-- --- VMs and workers ---

---@class VM
---@field timeout Duration
---@field pid integer Of a worker.
---@field tid integer Of a worker.
local vm = {}

---@class Worker: VM
local worker = {}

---Boots and returns the VM. Raises an error with the end of the console if the
---agent does not answer in time.
---@param opts? BootOptions
---@return VM
function vm:boot(opts) end

---End the VM: gracefully (and after 10 s by force), or at once. Calling them
---twice does no harm.
function vm:shutdown() end

---End the VM: gracefully (and after 10 s by force), or at once. Calling them
---twice does no harm.
function vm:kill() end

---Ends the worker. Calling it twice does no harm. A worker that died is not
---replaced: every later call on it raises an error that says how it died.
function worker:kill() end

---Return whether the VM is running, and how the runner reaches its agent:
---`"vsock"` or `"serial"`.
---@return boolean
function vm:is_running() end

---Return whether the VM is running, and how the runner reaches its agent:
---`"vsock"` or `"serial"`.
---@return "vsock"|"serial"
function vm:transport() end

---Save a state of this VM, and return to it as often as wanted while the file
---runs, even after a panic.
---@return Snapshot
function vm:snapshot() end

---Save a state of this VM, and return to it as often as wanted while the file
---runs, even after a panic.
---@param snapshot Snapshot
function vm:restore(snapshot) end

---Runs `/bin/sh -c cmd`. Returns a table with `ok` (exit code 0), `exit_code`
---(128+n if killed by signal n, and then `signal` is n), `stdout` and `stderr`.
---@param cmd string|Text
---@param opts? ExecOptions
---@return Result
function vm:exec(cmd, opts) end

---Runs a program without a shell: `vm:run { "ls", "-l", "/a b" }`.
---@param argv (string|number)[]
---@param opts? RunOptions
---@return Result
function vm:run(argv, opts) end

---Runs `cmd` and returns its output, parsed as JSON; `null` becomes nil. Raises
---an error if the exit code is not 0, or with the position where the output is
---not JSON.
---@param cmd string|Text
---@return any
function vm:json(cmd) end

---Runs a command as `vm:exec` does, and reads its standard output as KTAP or
---TAP.
---@param cmd string|Text
---@param opts? ExecOptions
---@return ProgramResults
function vm:ktap(cmd, opts) end

---Runs a kselftest, a program in the guest, in its own folder. Its time limit
---is that of the file `settings` beside it (`timeout=90`), or 45 s.
---@param path string
---@param opts? KselftestOptions
---@return ProgramResults
function vm:kselftest(path, opts) end

---Builds a C file, runs it in the guest and reads its results as `vm:kselftest`
---does. A relative path is looked up beside the test file, then in the working
---directory.
---@param path string
---@param opts? ProgramOptions
---@return ProgramResults
function vm:program(path, opts) end

---Runs a test program of LTP as `vm:exec` does. TPASS is ok, TFAIL and TWARN
---are FAIL, TBROK is BROKEN, TCONF is skip. The exit status and the summary
---must fit the results.
---@param cmd string|Text
---@param opts? ExecOptions
---@return ProgramResults
function vm:ltp(cmd, opts) end

---Takes the results of KUnit suites from the kernel log: of those called
---`suite`, which can have the wildcards `*` and `?`, or of all that ran at
---boot.
---@param suite? string
---@return ProgramResults
function vm:kunit(suite) end

---Starts `/bin/sh -c cmd` and returns a job `{id, pid}` at once. The job has
---the caller's credentials. At most 64 jobs run at a time.
---@param cmd string|Text
---@param opts? BackgroundOptions
---@return Job
function vm:background(cmd, opts) end

---Returns `{running, exit_code, signal, stdout, stderr}`; `exit_code` is -1
---while the job runs. Without a timeout it does not wait.
---@param job Job
---@param timeout? Duration
---@return JobState
function vm:job_wait(job, timeout) end

---Sends SIGKILL to the job's process group and returns the final state, as
---`job_wait` does.
---@param job Job
---@return JobState
function vm:job_kill(job) end

---Read or write a whole file of any size that fits the guest. Raise an error
---with the errno name and the path.
---@param path string
---@return string
function vm:read_file(path) end

---Read or write a whole file of any size that fits the guest. Raise an error
---with the errno name and the path.
---@param path string
---@param data string|Text
---@param opts? WriteOptions
function vm:write_file(path, data, opts) end

---Returns the kernel log, or only the lines that match the Lua pattern.
---@param pattern? string
---@return string
function vm:dmesg(pattern) end

---Mounts proc, sysfs, devtmpfs, devpts, cgroup2, securityfs, debugfs and
---tracefs at their usual places, if the kernel has them.
function vm:mount_vfs() end

---Insert and remove a module: one that was built here, by its name, or any
---`.ko` file by its path on the host (`.ko.xz`, `.ko.zst` and `.ko.gz` are
---unpacked).
---@param name_or_path string
---@param params? string|table<string, any>
function vm:insmod(name_or_path, params) end

---Insert and remove a module: one that was built here, by its name, or any
---`.ko` file by its path on the host (`.ko.xz`, `.ko.zst` and `.ko.gz` are
---unpacked).
---@param name string
function vm:rmmod(name) end

---Calls `fn` until it returns a true value, and returns that value. Options:
---`timeout` (10), `interval` (0.5) and `desc`, a description for the error.
---@generic T
---@param fn fun(): T?
---@param opts? WaitOptions
---@return T
function vm:wait_until(fn, opts) end

---Makes a system call. Returns its raw result, a negative errno on failure,
---then the contents of each `out` and `inout` after the call, in the order in
---which they appear.
---@param nr string|integer
---@param ... Argument
---@return integer ret
---@return string ...
function vm:syscall(nr, ...) end

---The argument at `idx` (0 to 5) becomes a pointer to a guest copy of `data`.
---@param nr string|integer
---@param idx integer
---@param data string|Text
---@param ... integer?
---@return integer ret
function vm:syscall_buf(nr, idx, data, ...) end

---The same for several buffers. Returns the result, then the content of every
---buffer after the call, in ascending order of index.
---@param nr string|integer
---@param bufs table<integer, string>
---@param ... integer?
---@return integer ret
---@return string ...
function vm:syscall_bufs(nr, bufs, ...) end

---The same, with pointers inside the buffers. `specs` is a list of `{buf_idx or
---parent, ptr_offset, data_len, data?, output?}`.
---@param nr string|integer
---@param bufs table<integer, string>
---@param specs PointerSpec[]
---@param ... integer?
---@return integer ret
---@return string ...
function vm:syscall_ptr(nr, bufs, specs, ...) end

---Returns the result and the struct that came back.
---@param fd integer
---@param cmd integer
---@param data? Argument
---@return integer ret
---@return string? out
---@return string ...
function vm:ioctl(fd, cmd, data) end

---The same, with pointers inside the struct. `specs` is a list of `{ptr_offset,
---buf_len, data?, output?, parent?}`. Returns the result, the struct, and the
---outputs.
---@param fd integer
---@param cmd integer
---@param struct string
---@param specs StructSpec[]
---@return integer ret
---@return string struct
---@return string ...
function vm:ioctl_buf(fd, cmd, struct, specs) end

---Makes a system call of a module, by its row in the module's `.def` file (see
---adding-syscalls.md): `vm.kacs:open_self_token(0, 8)`.
---@param module string
---@param call string
---@param ... Argument
---@return integer ret
---@return string ...
function vm:module_call(module, call, ...) end

---Sends the calls made on `b` together; any method that `async` takes can be
---used.
---@param fn fun(b: VM)
---@return any[]
function vm:batch(fn) end

---Makes a worker: a process forked from the VM's executor, with a copy of its
---descriptors, its own pid and its own credentials.
---@param opts? SpawnOptions
---@return Worker
function vm:spawn(opts) end

---Sends a call and returns a call object at once.
---@param method string
---@param ... any
---@return Call
function vm:async(method, ...) end

---`wait` returns what the method would have returned, or raises what it would
---have raised, every time it is called.
---@param timeout? Duration
---@return any ...
function Call:wait(timeout) end

---`wait` returns what the method would have returned, or raises what it would
---have raised, every time it is called.
---@return boolean
function Call:done() end

-- --- tests ---

---Runs `fn` at once. An error in it is recorded, and the file goes on. A title
---can be used once in a file. A file without `test()` is one test.
---@param title string
---@param opts TestOptions
---@param fn fun(vm: VM)
---@overload fun(title: string, fn: fun())
function test(title, opts, fn) end

---End the running test as skipped.
---@param reason? string
function skip(reason) end

---End the running test as skipped.
---@param reason? string
function todo(reason) end

---Calls `fn` until it returns a true value, and returns that value. Options:
---`timeout` (10), `interval` (0.5) and `desc`, a description for the error.
---@generic T
---@param fn fun(): T?
---@param opts? WaitOptions
---@return T
function wait_until(fn, opts) end

---Compare, tables deeply. Binary strings are shown as hex dumps, with `>` at
---the first difference.
---@param expected any
---@param actual any
---@param message? string
function assert_eq(expected, actual, message) end

---Compare, tables deeply. Binary strings are shown as hex dumps, with `>` at
---the first difference.
---@param expected any
---@param actual any
---@param message? string
function assert_ne(expected, actual, message) end

---The needle is plain text, not a pattern.
---@param haystack string|Text
---@param needle string|Text
---@param message? string
function assert_contains(haystack, needle, message) end

---`ret` must be the negative of that errno: `assert_errno("ENOENT", ret)`.
---@param name string
---@param ret integer
---@param message? string
function assert_errno(name, ret, message) end

---`fn` must raise an error, one that matches the pattern. Returns the error.
---@param fn fun()
---@param pattern? string
---@return any
function assert_error(fn, pattern) end

---Adds a line to the test's report, shown if the test fails.
---@param ... any
function log(...) end
