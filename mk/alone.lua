-- SPDX-License-Identifier: GPL-2.0-only
-- make test-alone: runs each test of each file alone, in its own run, by its
-- exact title. A test that fails there and passes in its file depends on
-- another test.
--
-- ALONE_TESTS   the test files: "tests/kit/boot.lua tests/harness/pack.lua"
-- ALONE_OUT     the folder for results and logs
-- ALONE_RUNNER  the runner
-- ALONE_JOBS    how many tests run at a time (1)

local core = require "provium.core"
local read = require "provium.read_file"

local out, runner = os.getenv "ALONE_OUT", os.getenv "ALONE_RUNNER"
local jobs = tonumber(os.getenv "ALONE_JOBS") or 1

provium.timeout = "100h"

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

local function shell(command)
	local ok, how, code = os.execute(command)
	return ok and 0 or how == "exit" and code or 128 + code
end

-- Returns the tests of a file, as reported by a run of the whole file; none if
-- the file has no test().
local function tests_of(file, base)
	shell(("mkdir -p %s && %s test --verdict %s %s >%s.log 2>&1"):format(quote(base), quote(runner), quote(base .. "/file"),
		quote(file), quote(base .. "/file")))
	local result = read(base .. "/file.result")
	assert(result, ("%s: no result; see %s/file.log"):format(file, base))
	local list = {}
	for _, t in ipairs(core.json(result).tests) do
		if t.filter then list[#list + 1] = t end
	end
	return list
end

-- Runs the tests, several at a time. i.log gets the output of the i-th,
-- i.status its exit status.
local function run_each(file, base, tests)
	local list = assert(io.open(base .. "/commands", "wb"))
	for i, t in ipairs(tests) do
		list:write(("%s test -f %s %s >%s/%d.log 2>&1; echo $? >%s/%d.status\0"):format(quote(runner), quote(t.filter),
			quote(file), quote(base), i, quote(base), i))
	end
	list:close()
	shell(("rm -f %s/*.status; xargs -0 -P %d -n 1 sh -c <%s/commands"):format(quote(base), jobs, quote(base)))
end

for file in (os.getenv "ALONE_TESTS" or ""):gmatch "%S+" do
	test(("each test of %s passes alone"):format(file), { timeout = "100h" }, function()
		local base = out .. "/" .. file:gsub("%.lua$", "")
		local tests, failed = tests_of(file, base), {}
		run_each(file, base, tests)
		for i, t in ipairs(tests) do
			local status = tonumber(read(("%s/%d.status"):format(base, i)) or "")
			if status ~= 0 then
				failed[#failed + 1] = t.name
				log(("%s: status %s%s; see %s/%d.log"):format(t.name, tostring(status),
					t.verdict == "ok" and "" or ", and it did not pass in its file", base, i))
			end
		end
		assert_eq({}, failed, ("%d of %d tests do not pass alone"):format(#failed, #tests))
	end)
end
