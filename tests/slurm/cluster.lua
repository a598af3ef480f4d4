-- SPDX-License-Identifier: GPL-2.0-only
-- make test-slurm: runs of make on the two nodes of mk/slurm/cluster.
--
-- SLURM_FILES   the test files whose verdicts are compared
-- SLURM_OUT     the output folder of make

local core = require "provium.core"
local runner = require "runner"

local MAKE_OUT, CLUSTER = os.getenv "SLURM_OUT", os.getenv "CLUSTER_FOLDER"
local OUT = runner.shell("realpath " .. runner.quote(MAKE_OUT))
local SRUN = "srun -n1 -c1 --mem={mem}"
local STORE = CLUSTER .. "/store"

provium.timeout = "2h"

-- Starts make. Returns a pipe with its output.
local function start(args, launch)
	local command = "exec timeout -k 10 3600 make O=%s PROFILE=%s PROVIUM_STORE=%s %s LAUNCH=%s </dev/null 2>&1"
	return assert(io.popen(command:format(runner.quote(MAKE_OUT), provium.profile, runner.quote(STORE), args,
		runner.quote(launch or ""))))
end

-- Runs make. Returns its output and exit status.
local function make(args, launch)
	local pipe = start(args, launch)
	local said = pipe:read "a"
	local _, _, status = pipe:close()
	return said, status
end

-- Returns the verdicts of all tests of these files, as { ["FILE: TITLE"] =
-- verdict }. folder: that of the results.
local function verdicts(folder, files)
	local found = {}
	for file in files:gmatch "%S+" do
		local record = core.json(assert(runner.read(("%s/%s.result"):format(folder, file)), file))
		local is_kept = runner.read(("%s/%s.ok"):format(folder, file))
		found[file] = record.verdict .. (is_kept and ", reused next time" or "")
		for _, t in ipairs(record.tests) do found[file .. ": " .. t.name] = t.verdict end
	end
	return found
end

-- Compares two results of verdicts(). said: make's output, for the message.
local function assert_same(here, there, said)
	local differences = {}
	for name, verdict in pairs(here) do
		if there[name] ~= verdict then
			differences[#differences + 1] = ("%s: %s here, %s on the nodes"):format(name, verdict, there[name])
		end
	end
	for name in pairs(there) do
		if not here[name] then differences[#differences + 1] = name .. ": only on the nodes" end
	end
	if #differences > 0 then log(said) end
	assert_eq({}, differences)
end

-- Returns how many jobs Slurm has given to the node.
local function nr_jobs(node)
	local _, nr = runner.read(CLUSTER .. "/slurmctld.log"):gsub("NodeList=" .. node .. "%f[%s]", "")
	return nr
end

local function assert_no_jobs()
	wait_until(function() return runner.shell "squeue -h" == "" end, { timeout = 60, desc = "the end of all jobs" })
end

test("files of the suite get the same verdicts over two nodes as with make -j2", function()
	local files = os.getenv "SLURM_FILES"
	local folder = ("%s/test/%s"):format(OUT, provium.profile)
	local before = { nr_jobs "node1", nr_jobs "node2" }
	local said = make("-j4 retest T=" .. runner.quote(files), SRUN)
	local there = verdicts(folder, files)
	assert(nr_jobs "node1" > before[1] and nr_jobs "node2" > before[2], said)
	assert_eq("1", runner.shell(("ls %s/%s | wc -l"):format(STORE, provium.profile)), "fixtures of two nodes")
	make("-j2 retest T=" .. runner.quote(files))
	assert_same(verdicts(folder, files), there, said)
	assert_no_jobs()
end)

-- --- small files with all kinds of verdicts ---

local CLONE = "local vm = provium.fixture(provium.profile)\n"
local FILES = {
	passes = "test('passes', function() " .. CLONE .. "assert(vm:exec('true').ok) end)\n",
	fails = "test('fails', function() assert_eq(1, 2) end)\n",
	panics = "test('panics', function() " .. CLONE .. "vm:exec 'echo c >/proc/sysrq-trigger' end)\n",
	skips = "test('skips', function() skip 'no' end)\n",
	dies = "test('dies', function() os.execute 'kill -9 $PPID' end)\n",
	uses = "test('uses', function() " .. CLONE .. "assert_contains(vm:exec('uname -a').stdout, 'Linux') end)\n",
}

-- Calls fn(folder, names) with a folder of such test files, which the nodes
-- share.
local function with_files(files, fn)
	local dir, _ <close> = runner.new_folder(CLUSTER)
	local names = {}
	for name, text in pairs(files) do
		runner.write(("%s/%s.lua"):format(dir, name), text)
		names[#names + 1] = ("%s/%s"):format(dir, name)
	end
	fn(dir, table.concat(names, " "))
	os.execute(("rm -rf %s/test/%s.module%s"):format(OUT, provium.profile, dir))
end

local RESULTS = ("%s/test/%s.module"):format(OUT, provium.profile)

test("failures, panics, skips and deaths of files are the same over two nodes, with srun and sbatch", function()
	with_files(FILES, function(dir, names)
		make("-j2 retest TESTS=" .. dir)
		local here = verdicts(RESULTS, names)
		local said, status = make("-j4 retest TESTS=" .. dir, SRUN)
		assert_eq(2, status, said)
		assert_same(here, verdicts(RESULTS, names), said)
		said = make("-j4 retest TESTS=" .. dir, "sbatch --wait -Q -n1 --mem={mem} -o /dev/null")
		assert_same(here, verdicts(RESULTS, names), said)
	end)
end)

test("Ctrl-C to make ends the jobs of srun", function()
	with_files({ waits = "test('waits', function() require 'provium.core'.pause(600) end)\n" }, function(dir)
		local pipe = start("TESTS=" .. dir .. " test", SRUN)
		wait_until(function() return runner.shell "squeue -h -t R" ~= "" end, { timeout = 60, desc = "a job" })
		local wrapper = runner.shell(("grep -lsF -- %s /proc/[0-9]*/cmdline | xargs grep -lsF -- --launch"):format(dir))
		local group = runner.shell("awk '{ print $5 }' " .. wrapper:match "/proc/%d+" .. "/stat")
		runner.shell("kill -INT -" .. group)
		assert_contains(pipe:read "a", "waits.lua ... interrupted")
		pipe:close()
		assert_no_jobs()
	end)
end)

-- Must be the last test: afterwards there is only one node.
test("a node that dies costs only its files, which the next make runs on the other node", function()
	local files = { waits = "local f = io.open(os.getenv 'PROVIUM_MARK', 'w')\nf:write(io.popen('uname -n'):read 'l')\nf:close()\n" ..
		"test('waits', function() require 'provium.core'.pause(tonumber(os.getenv 'PROVIUM_PAUSE')) assert(true) end)\n" }
	for i = 1, 6 do files["passes" .. i] = FILES.passes end
	with_files(files, function(dir, names)
		local mark = dir .. "/mark"
		local args = ("TESTS=%s PROVIUM_MARK=%s"):format(dir, mark)
		local pipe = start("-j4 test PROVIUM_PAUSE=600 " .. args, SRUN)
		wait_until(function() return (runner.read(mark) or "") ~= "" end, { timeout = 600, desc = "the start of waits.lua" })
		local node = runner.read(mark)
		runner.shell(("kill -9 $(cat %s/%s.alive)"):format(CLUSTER, node))
		local said = pipe:read "a"
		local _, _, status = pipe:close()
		assert_eq(2, status, said)
		local nr_broken = 0
		for file in names:gmatch "%S+" do
			local record = core.json(runner.read(RESULTS .. file .. ".result"))
			if record.verdict ~= "ok" then
				nr_broken = nr_broken + 1
				assert_eq("BROKEN", record.verdict, said)
				assert_contains(record.error.message, node)
			end
		end
		assert(nr_broken >= 1 and nr_broken <= 4, said)
		assert_contains(said, "wrote no result: the host failed")
		said, status = make("-j4 test PROVIUM_PAUSE=0 " .. args, SRUN)
		assert_eq(0, status, said)
		assert_contains(said, ("(7 files, %d verdicts reused)"):format(7 - nr_broken))
		assert_no_jobs()
	end)
end)
