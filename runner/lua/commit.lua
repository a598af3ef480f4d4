-- SPDX-License-Identifier: GPL-2.0-only
-- provium check: judges the commit that is checked out. Builds what make builds
-- for it, runs the chosen tests, and decides between four verdicts:
--
--   good        the tests passed
--   bad         a wanted test failed as asked
--   untestable  the commit does not build or boot, or something else failed
--   broken      the host failed, which tells nothing about the commit

local core = require "provium.core"
local errors = require "provium.errors"
local read = require "provium.read_file"

local commit = {}

-- The path of the runner. While a session runs, make can replace the file.
commit.RUNNER = core.realpath("/proc/self/exe")

-- Exit statuses, as `git bisect run` understands them.
commit.STATUS = { good = 0, bad = 1, untestable = 125, broken = 128 }

local function usage(fmt, ...) errors.raise(errors.KIND.user, fmt, ...) end

-- --- the variables of provium check ---

-- Variables whose paths are relative to the user's folder; make runs in the
-- kit's.
local PATHS = { "MODULE", "KERNEL_SRC", "KERNEL", "KDIR", "CONFIG", "TESTS" }

-- Returns the words of a text.
function commit.words(text)
	local list = {}
	for word in (text or ""):gmatch("%S+") do list[#list + 1] = word end
	return list
end

-- Returns the table of "VARIABLE=VALUE" arguments, with absolute paths and
-- checked values. A variable without a value is as good as absent.
function commit.variables(args)
	local vars = {}
	for _, arg in ipairs(args) do
		local name, value = arg:match("^([%a_][%w_]*)=(.*)$")
		if not name then usage("%s: expected VARIABLE=VALUE", arg) end
		vars[name] = value ~= "" and value or nil
	end
	for _, name in ipairs(PATHS) do
		local list = commit.words(vars[name])
		for i, path in ipairs(list) do list[i] = core.realpath(path) or path end
		if vars[name] then vars[name] = table.concat(list, " ") end
	end
	local ok, reason = pcall(string.find, "", vars.MATCH or "")
	if not ok then usage("MATCH=%s: %s", vars.MATCH, reason) end
	local clones = tonumber(vars.CLONES or 1)
	if math.type(clones) ~= "integer" or clones < 1 then
		usage("CLONES=%s: expected a number of 1 or more", vars.CLONES)
	end
	return vars
end

-- Returns the folder of the kit: the one with its makefiles.
function commit.kit()
	local _, _, link = core.home()
	local kit = core.realpath(link)
	if not kit or not core.realpath(kit .. "/mk/check.mk") then
		usage("%s: there are no makefiles of Provium here; run the provium of a checkout's out/bin, "
			.. "or an installed one", link)
	end
	return kit
end

-- --- choosing the tests ---

local function collect(dir, prefix, names)
	for _, name in ipairs(core.list(dir)) do
		if name:find("%.lua$") then
			names[#names + 1] = prefix .. name:sub(1, -5)
		elseif not name:find("^[._]") and name ~= "fixtures" and name ~= "lib" then
			collect(dir .. "/" .. name, prefix .. name .. "/", names)
		end
	end
	return names
end

local function from_glob(glob)
	return (glob:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", "[^/]*"):gsub("%?", "[^/]"))
end

-- Returns whether T= chooses the test by its name, its file, or its folder.
local function chooses(t, name)
	for _, glob in ipairs(commit.words(t)) do
		local pattern = from_glob(glob)
		if name:find("^" .. pattern .. "$") or name:find("/" .. pattern .. "$") or
				name:find("^" .. pattern .. "/") then
			return true
		end
	end
	return t == nil
end

-- Returns the folder of the tests: TESTS=, or that of the last module that has
-- one, or the kit's.
function commit.tests_folder(kit, vars)
	if vars.TESTS then return vars.TESTS end
	local found = kit .. "/tests"
	for _, module in ipairs(commit.words(vars.MODULE)) do found = core.realpath(module .. "/tests") or found end
	return found
end

-- Returns the names of the chosen tests below the folder; or nil and an error
-- message.
function commit.choose(dir, t)
	local all, chosen = collect(dir, "", {}), {}
	for _, name in ipairs(all) do
		if chooses(t, name) then chosen[#chosen + 1] = name end
	end
	if #chosen > 0 then return chosen end
	if #all == 0 then return nil, ("%s: there is no test in this folder"):format(dir) end
	return nil, ("T=%s: no test in %s has this name; choose from: %s"):format(t, dir, table.concat(all, " "))
end

-- --- building the commit ---

-- What a failure of the host leaves in the output of a build. A line of source
-- code that a compiler quotes has a "|".
local HOST_FAULTS = {
	"No space left on device", "Disk quota exceeded", "Cannot allocate memory", "virtual memory exhausted",
	": out of memory", "Too many open files", "Resource temporarily unavailable", "Read%-only file system",
	"Input/output error", "File too large", " signal terminated program", "terminated with signal",
	"^Killed", "^Terminated", "%d Killed", "%d Terminated",
	"^make.* Killed$", "^make.* Terminated$", "^make.* Interrupt$", "^make.* Hangup$",
	"^make.* Error 129$", "^make.* Error 130$", "^make.* Error 137$", "^make.* Error 143$",
}

local function host_fault(output)
	for line in output:gmatch("[^\n]+") do
		for _, pattern in ipairs(HOST_FAULTS) do
			if line:find(pattern) and not line:find("|", 1, true) then return line end
		end
	end
end

-- The first lines that tell a human why a build failed.
local BUILD_ERRORS = {
	" error: ", "^ERROR: ", "undefined reference", "undefined symbol", "%*%*%* (.*)%.  Stop%.$", "%*%*%* ",
}

local function build_error(output)
	for _, pattern in ipairs(BUILD_ERRORS) do
		for line in output:gmatch("[^\n]+") do
			local from, _, text = line:find(pattern)
			if from then return text or line end
		end
	end
	return "make printed no error"
end

-- Returns verdict and reason for a build that failed. The last line of make
-- names the makefile of the rule.
local function judge_build(status, output, vars)
	local fault = status > 128 and ("make was killed by signal %d"):format(status - 128) or host_fault(output)
	if fault then return "broken", "while building: " .. fault end
	local makefile = output:match("\nmake: %*%*%* %[([^%]:]*):") or ("\n" .. output):match("\n([^\n:]*):%d+: %*%*%*")
	local text = build_error(output)
	local is_modules = (makefile or ""):find("module", 1, true) or text:find("^MODULE=")
	local is_kernels = vars.KERNEL_SRC and makefile == "mk/kernel.mk" or text:find("^KERNEL_SRC=")
	if is_modules or is_kernels then return "untestable", "it does not build: " .. text end
	return "broken", "Provium itself does not build: " .. text
end

-- The environment of a step: without make's options, and without those of a git
-- that runs a hook or a bisection.
local CLEAN = {
	"env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "MFLAGS", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE",
	"-u", "GIT_INDEX_FILE", "-u", "GIT_PREFIX",
}

-- Returns the arguments for core.command() that run a program in a folder. The
-- lists are VARIABLE=VALUE words, then the program and its arguments.
function commit.command(dir, ...)
	local argv = table.move(CLEAN, 1, #CLEAN, 1, {})
	table.move({ "-C", dir, "LC_ALL=C" }, 1, 3, #argv + 1, argv)
	for _, list in ipairs { ... } do table.move(list, 1, #list, #argv + 1, argv) end
	return argv
end

-- Variables of provium check itself, which make must not get.
local OWN = { T = true, MATCH = true, CLONES = true, TESTS = true, GOOD = true, BAD = true, TESTS_AT = true }

-- Runs make in the kit. Returns its exit status and output.
local function build(plan)
	local words = { "make", (os.getenv("MAKEFLAGS") or ""):match("%-j%d+") }
	local home = core.home()
	if core.realpath(plan.kit .. "/out") ~= home then words[#words + 1] = "O=" .. home end
	for name, value in pairs(plan.vars) do
		if not OWN[name] then words[#words + 1] = name .. "=" .. value end
	end
	local argv = commit.command(plan.kit, plan.env or {}, words, plan.goals)
	return core.command(argv, plan.dir .. "/build.log", plan.show)
end

-- --- running the tests ---

-- Runs a test file once. Returns its record; or nil and why there is none.
local function run_test(plan, name, base)
	local words = table.move(plan.env or {}, 1, #(plan.env or {}), 1, {})
	for _, variable in ipairs { "PROFILE", "ACCEL", "TRANSPORT" } do
		if plan.vars[variable] then words[#words + 1] = ("%s=%s"):format(variable, plan.vars[variable]) end
	end
	-- A path below the current folder is made relative, as in make test.
	local path, here = ("%s/%s.lua"):format(plan.tests, name), plan.cwd .. "/"
	if path:sub(1, #here) == here then path = path:sub(#here + 1) end
	table.move({ plan.runner, "test", "--verdict", base, path }, 1, 5, #words + 1, words)
	local status, said = core.command(commit.command(plan.cwd, words), plan.dir .. "/tests.log", plan.show)
	local text = read(base .. ".result")
	local record = text and core.json(text)
	if status == 0 and record then return record end
	return nil, status > 128 and ("the runner was killed by signal %d"):format(status - 128) or
		("the runner ended with status %d: %s"):format(status, said:match("([^\n]*)\n*$"))
end

-- A MATCH= can be a Lua pattern or the plain text.
local function matches(item, match)
	local function has(text) return text and (text:find(match, 1, true) or text:find(match)) end
	if has(item.message) then return true end
	for _, complaint in ipairs(item.complaints or {}) do
		if has(complaint.title) or has(table.concat(complaint.lines or {}, "\n")) then return true end
	end
	return false
end

-- Returns the first line of a message, with the next one if it only announces
-- that.
local function first_line(text)
	local line, rest = (text or ""):match("^([^\n]*)\n?%s*([^\n]*)")
	return line:find(":$") and line .. " " .. rest or line
end

-- A file that fails before its first test() is reported as one test with the
-- name of the file. Returns whether that is the case.
local function failed_before_tests(plan, name, record)
	local item = (record.tests or {})[1]
	if not item or #record.tests > 1 or item.name .. ".lua" ~= record.name then return false end
	local source = read(("%s/%s.lua"):format(plan.tests, name)) or ""
	return source:find("%f[%w_.:]test%s*[%(\"']") ~= nil
end

-- What the runner says of a guest that does not boot in time.
local BOOT_TIMEOUT = ": the agent in the guest did not answer within "

-- Returns the verdict on a failed item of a record, and the reason.
-- is_error: it is the file's error, outside of its tests.
local function judge_item(plan, item, is_error)
	local title = item.name or "(the file)"
	local reason = ("%s: %s"):format(title, first_line(item.message))
	local is_setup = item.setup or is_error
	if item.verdict == "BROKEN" and not item.setup then return "broken", reason end
	-- A module cannot keep a kernel from booting: the host was too slow.
	if item.setup and not plan.vars.KERNEL_SRC and reason:find(BOOT_TIMEOUT, 1, true) then
		return "broken", reason .. "; the host may be busy"
	end
	if plan.vars.MATCH then
		if matches(item, plan.vars.MATCH) then return "bad", title end
		return "untestable", "another failure, which MATCH= does not match: " .. reason
	end
	if is_setup then return "untestable", reason end
	if plan.wanted and not plan.wanted[title] then return "untestable", "another test fails: " .. reason end
	return "bad", title
end

local RANK = { good = 1, untestable = 2, bad = 3, broken = 4 }

-- Adds what a record says to the result: the worst verdict with its reason, and
-- how often each test failed.
local function add_record(plan, result, name, record)
	local function add(item, is_error)
		local verdict, reason = "good", nil
		local title = item.name or "(the file)"
		if item.verdict == "FAIL" or item.verdict == "BROKEN" or not item.verdict then
			verdict, reason = judge_item(plan, item, is_error)
		end
		if item.verdict == "ok" then result.nr_passed = result.nr_passed + 1 end
		if item.verdict == "FAIL" and not item.setup and not is_error then
			result.failures[title] = (result.failures[title] or 0) + 1
		end
		if RANK[verdict] > RANK[result.verdict] then result.verdict, result.reason = verdict, reason end
	end
	local is_outside = failed_before_tests(plan, name, record)
	for _, item in ipairs(record.tests or {}) do add(item, is_outside) end
	if record.error then add(record.error, true) end
end

-- Keeps the consoles of a failed test with the step's results.
local function keep_logs(plan, record, base)
	if not plan.keep_logs or not record.logs then return end
	core.command { "cp", "-R", record.logs, base .. ".logs" }
end

-- Judges the commit that is checked out. plan:
--
--   kit, runner   the kit's folder, and the runner in it
--   vars          the variables
--   goals         what make builds, and further variables for it
--   dir           a folder for logs and results
--   tests, names  the folder of the tests, and the names of the chosen ones
--   cwd           where they run: the profile is looked up from here upwards
--   rounds        how often each test runs
--   wanted        a set of titles: another test that fails is another failure
--   env           VARIABLE=VALUE words for make and the tests
--   keep_logs     copy the consoles of failed tests to dir
--   show          print the output of make and of the tests
--
-- Returns { verdict =, reason =, failures = { title = number }, rounds = }.
function commit.judge(plan)
	local result = { verdict = "good", failures = {}, nr_passed = 0, rounds = plan.rounds }
	local status, output = build(plan)
	if status ~= 0 then
		result.verdict, result.reason = judge_build(status, output, plan.vars)
		return result
	end
	for round = 1, plan.rounds do
		for _, name in ipairs(plan.names) do
			local base = ("%s/%d/%s"):format(plan.dir, round, name)
			local record, reason = run_test(plan, name, base)
			if not record then
				result.verdict, result.reason = "broken", reason
				return result
			end
			add_record(plan, result, name, record)
			keep_logs(plan, record, base)
		end
		if result.verdict == "broken" then return result end
	end
	if result.verdict == "good" and result.nr_passed == 0 then
		result.verdict, result.reason = "untestable", "every test was skipped"
	end
	for title, n in pairs(result.failures) do
		if n < plan.rounds then
			result.flaky = ("%s failed in %d of %d runs"):format(title, n, plan.rounds)
		end
	end
	return result
end

-- Returns the line "good" or "bad: TITLE".
function commit.line(result)
	return result.reason and ("%s: %s"):format(result.verdict, result.reason) or result.verdict
end

-- --- provium check ---

local function check(args)
	local vars, kit = commit.variables(args), commit.kit()
	local tests = commit.tests_folder(kit, vars)
	local names, reason = commit.choose(tests, vars.T)
	if not names then return { verdict = "untestable", reason = reason } end
	local dir = core.home() .. "/check/" .. (vars.PROFILE or core.default_profile())
	core.command { "rm", "-rf", dir }
	core.command { "mkdir", "-p", dir }
	return commit.judge {
		kit = kit, runner = commit.RUNNER, vars = vars, goals = { "all" }, dir = dir,
		tests = tests, names = names, cwd = kit, rounds = tonumber(vars.CLONES or 1), show = true,
	}
end

-- Takes VARIABLE=VALUE arguments; returns the exit status.
function commit.run(...)
	local ok, result = pcall(check, { ... })
	if not ok and errors.kind_of(result) == errors.KIND.interrupted then error(result, 0) end
	if not ok then result = { verdict = "broken", reason = tostring(result) } end
	if result.flaky then io.stdout:write("flaky: ", result.flaky, "\n") end
	io.stdout:write("check: ", (commit.line(result):gsub("%s*\n%s*", " ")), "\n")
	return commit.STATUS[result.verdict]
end

return commit
