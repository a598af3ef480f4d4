-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the host that need no VM: limits of the user, full disks, closed
-- descriptors.

local runner = require "runner"
local tree = require "tree"

local GOOD = "test('good', function() assert(true) end)\n"

-- Returns a prefix that runs a command with the limits that these arguments of
-- ulimit set.
local function limited(limits)
	return { runner.timeout, "-k", "5", "30", "bash", "-c", ("ulimit %s; exec \"$@\""):format(limits), "bash" }
end

test("a verdict file above the file size limit: exit status 3, with path and limit", function()
	runner.with_folder(function(dir)
		local r = runner.run({ "test", "--verdict", dir .. "/v", "good.lua" }, { prefix = limited("-f 0") })
		assert_eq(("good.lua ... ok (2 tests, Ts)\nprovium test: cannot write %s/v.result: File too large; " ..
			"raise the limit of file sizes (ulimit -f)\n")
			:format(dir), r.said)
		assert_eq({ 3, "" }, { r.status, runner.shell("ls -A " .. dir) })
	end)
end)

-- --- faults of the output folder out/ ---

-- Returns the output and the exit status of a shell command.
local function run(command)
	local pipe = io.popen(command)
	local said = pipe:read("a")
	return said, select(3, pipe:close())
end

-- Runs make in the tree, with out/ on a disk that is mounted with these
-- options.
local function make_on_disk(t, options)
	return run(("unshare -m sh -c %s"):format(runner.quote(
		("mount -t tmpfs -o %s none %s/out && %s"):format(options, t.dir, t:command()))))
end

local function need_mounts()
	if runner.shell("unshare -m true 2>&1 || echo no") ~= "" then skip("unshare -m is not allowed here") end
end

test("make test with no space in out/ names the file, exit status 2", function()
	need_mounts()
	tree.with({ a = GOOD, b = GOOD }, function(t)
		os.execute("mkdir " .. t.dir .. "/out")
		for size, file in pairs {
			["4k"] = "provium test: cannot write out/test/small/a.result", ["16k"] = "provium test: cannot write out/test/small/b.d",
			["28k"] = "provium make-summary: cannot write out/report/junit.xml",
			["64k"] = "provium make-summary: cannot write out/report/index.html",
		} do
			local said, status = make_on_disk(t, "size=" .. size)
			assert_contains(said, file .. ": No space left on device\n")
			assert_eq(2, status, said)
		end
	end)
end)

test("make test in a read-only out/ names the file, exit status 2", function()
	need_mounts()
	tree.with({ a = GOOD }, function(t)
		os.execute("mkdir " .. t.dir .. "/out")
		local said, status = make_on_disk(t, "ro")
		assert_contains(said, "out/provium.toml': Read-only file system\n")
		assert_eq({ {}, 2 }, { tree.finished(said), status })
	end)
end)

test("the error of make test in another user's tree names O=FOLDER, which works", function()
	if runner.shell("id -u") ~= "0" then skip("needs root") end
	if runner.shell("command -v setpriv") == "" then skip("needs setpriv") end
	tree.with({ a = GOOD, b = GOOD }, function(t)
		local mine, _ <close> = runner.new_folder()
		local function make(args)
			return run((t:command(args):gsub("timeout 100", "HOME=" .. mine .. " %0 setpriv --reuid 61234 --clear-groups", 1)))
		end
		t:make()
		os.execute(("chmod 755 %s && chown 61234 %s"):format(t.dir, mine))
		local said, status = make()
		assert_contains(said, "make test: cannot write to out/test/small: " ..
			"if out belongs to another user, build in a folder of your own with O=FOLDER\n")
		assert_eq(2, status)
		said, status = make("O=" .. mine .. "/out")
		assert_contains(said, "ok: 2 passed (2 files, 0 verdicts reused)\n")
		assert_eq(0, status)
	end)
end)

test("out/ removed by a test: make goes on, and the next make reuses the passes", function()
	tree.with({ a = "test('removes out', function() assert(os.execute('rm -rf out')) end)\n", b = GOOD }, function(t)
		local said, status = t:make()
		assert_eq({ { "a", "b" }, 0 }, { tree.finished(said), status })
		assert_contains(said, "ok: 2 passed (2 files, 0 verdicts reused)\n")
		assert_contains((t:make()), "ok: 2 passed (2 files, 2 verdicts reused)\n")
	end)
end)

test("two runs of make test at once in one tree both end with all verdicts", function()
	local SLOW = "test('slow', function() assert(os.execute('sleep 0.5')) end)\n"
	tree.with({ a = SLOW, b = GOOD, c = SLOW }, function(t)
		local pipes = { io.popen(t:command("-j2")), io.popen(t:command("-j2")) }
		for _, pipe in ipairs(pipes) do
			local said = pipe:read("a")
			assert_contains(said, "ok: 3 passed (3 files, ")
			assert_eq(0, select(3, pipe:close()), said)
		end
		assert_contains((t:make()), "ok: 3 passed (3 files, 3 verdicts reused)\n")
	end)
end)

-- --- standard descriptors ---

test("stdout that cannot be written to: exit status 3 with the reason", function()
	local function status_of(redirection)
		return run(("cd %s && { { trap '' PIPE; while echo; do sleep 0.01; done 2>&-; %s test good.lua; echo status $? >&2; } 2>&3 %s; } 3>&1"):format(
			runner.quote(runner.canned), runner.quote(runner.path), redirection))
	end
	for redirection, reason in pairs {
		[">/dev/full"] = "No space left on device", [">&-"] = "Bad file descriptor", ["| true"] = "Broken pipe",
	} do
		assert_eq(("provium: cannot write to stdout: %s\nstatus 3\n"):format(reason), status_of(redirection))
	end
end)

test("a runner with closed standard descriptors gives its tests /dev/null", function()
	for redirection, fds in pairs { ["<&- 2>/dev/null"] = "0", ["2>&-"] = "2", ["<&- 2>&-"] = "0 2" } do
		runner.with_folder(function(dir)
			runner.write(dir .. "/t.lua", ([[
				io.stderr:write("a text of some length")
				test("has them", function()
					for fd in ("%s"):gmatch("%%d") do
						local pipe = io.popen("readlink /proc/$PPID/fd/" .. fd)
						assert_eq("/dev/null", pipe:read("l"))
						pipe:close()
					end
				end)
			]]):format(fds))
			local said = run(("%s test %s/t.lua %s; echo status $?"):format(runner.quote(runner.path), dir, redirection))
			assert_contains(said, "ok: 1 passed\nstatus 0\n")
		end)
	end
end)
