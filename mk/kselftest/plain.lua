-- SPDX-License-Identifier: GPL-2.0-only
-- make kselftest-plain: runs the selftests under QEMU alone, with busybox as
-- init and the same kernel, and compares their results with those of the last
-- make kselftest.
--
-- PLAIN_TARGETS   the folders of selftests, with blanks between
-- PLAIN_FOLDER    out/kselftest/SOURCE
-- PLAIN_RESULTS   the folder with the results of make kselftest
-- PLAIN_MODULES   the folder with the kernel's own modules
-- PLAIN_KERNEL, PLAIN_INITRAMFS, PLAIN_GEN_INIT_CPIO   files that make built
--
-- The table of the comparison is written to PLAIN_FOLDER/plain/table.md.

local core = require "provium.core"
local ktap = require "provium.ktap"
local read = require "provium.read_file"
local results = require "provium.results"

local LIMIT_S = 300	-- time limit of a program

local folder = os.getenv "PLAIN_FOLDER"
local place = folder .. "/plain"

provium.timeout = "10h"

local function write(path, text) assert(core.write(path, text)) end

local function run(fmt, ...)
	local cmd = fmt:format(...)
	assert(os.execute(cmd), cmd)
end

-- Returns the programs of a target, and the lines for gen_init_cpio by which
-- the VM gets the target's files.
local function contents(target, name)
	local programs, files, known = {}, {}, {}
	local function folders_of(path)
		local parent = path:match "^(.*)/[^/]*$"
		if parent == "" or known[parent] then return end
		folders_of(parent)
		known[parent] = true
		files[#files + 1] = ("dir %s 0755 0 0"):format(parent)
	end
	for line in io.lines(("%s/%s.list"):format(folder, target)) do
		local kind, guest, host = line:match "^(%a+)\t([^\t]+)\t?(.*)$"
		if kind == "dir" then
			folders_of(guest .. "/")
		elseif kind == "link" then
			files[#files + 1] = ("slink %s %s 0777 0 0"):format(guest, host)
		elseif kind == "test" then
			programs[#programs + 1] = ("%d /kselftest/%s %s"):format(LIMIT_S, target, guest)
		elseif kind == "file" then
			folders_of(guest)
			files[#files + 1] = ("file %s %s 0755 0 0"):format(guest, host)
		end
	end
	files[#files + 1] = "dir /kselftest/modules 0755 0 0"
	for _, module in ipairs(core.list(os.getenv "PLAIN_MODULES")) do
		local host = core.realpath(("%s/%s"):format(os.getenv "PLAIN_MODULES", module))
		if module:find "%.ko$" then
			files[#files + 1] = ("file /kselftest/modules/%s %s 0644 0 0"):format(module, host)
		end
	end
	files[#files + 1] = ("file /kselftest/programs %s/%s.programs 0644 0 0"):format(place, name)
	files[#files + 1] = "file /init mk/kselftest/plain-init 0755 0 0"
	return programs, files
end

-- Boots a VM that runs the programs of a target. Returns its console.
local function run_plain(target, name)
	local base = place .. "/" .. name
	local programs, files = contents(target, name)
	write(base .. ".programs", table.concat(programs, "\n") .. "\n")
	write(base .. ".files", table.concat(files, "\n") .. "\n")
	run("%s %s.files >%s.own && cat %s %s.own >%s.cpio && rm %s.own", os.getenv "PLAIN_GEN_INIT_CPIO", base, base,
		os.getenv "PLAIN_INITRAMFS", base, base, base)
	os.execute(("timeout %d qemu-system-x86_64 -M microvm -accel kvm -accel tcg -cpu max -m 768M -nodefaults "
		.. "-no-user-config -no-reboot -display none -serial file:%s.console -kernel %s -initrd %s.cpio -append "
		.. "'console=ttyS0 loglevel=1 panic=-1 reboot=t rdinit=/init' </dev/null 2>%s.qemu")
		:format(LIMIT_S * (#programs + 1), base, os.getenv "PLAIN_KERNEL", base, base))
	os.remove(base .. ".cpio")
	return read(base .. ".console") or ""
end

local function verdict(out)
	return (out.message or out.failed > 0) and "FAIL" or out.skip and "skip" or "ok"
end

-- Returns the verdict of each result that has no results nested in it, by the
-- result's path. A path that occurs again gets a number.
local function leaves_of(list)
	local leaves, seen = {}, {}
	ktap.each_leaf(list or {}, function(result, path)
		seen[path] = (seen[path] or 0) + 1
		leaves[seen[path] == 1 and path or ("%s (%d)"):format(path, seen[path])] = result.verdict
	end)
	return leaves
end

-- Returns the results of each program whose output is in the console's text:
-- { verdict =, leaves = { [name] = verdict } }.
local function parse_console(text)
	local list = {}
	for program, output, status in text:gsub("\r", ""):gmatch "@@begin (%S+)\n(.-)\n@@end %S+ (%d+)" do
		local code = tonumber(status)
		local ended = { exit_code = code }
		if code > 128 then ended = { reason = ("killed by signal %d"):format(code - 128) } end
		local out = results.read_program(program, output, ended)
		list[program] = { verdict = verdict(out), leaves = leaves_of(out.results) }
	end
	return list
end

-- Returns the same for make kselftest, from the result file of a target.
local function parse_result(name)
	local text = read(("%s/%s.result"):format(os.getenv "PLAIN_RESULTS", name))
	assert(text, name .. ": no result: run make kselftest first")
	local list = {}
	for _, t in ipairs(core.json(text).tests) do
		local program = t.name:match "^%S+: (%S+)$"
		if program then
			list[program] = { verdict = t.verdict, leaves = leaves_of(t.results) }
		end
	end
	return list
end

-- Returns the results of a program that differ: "NAME: ok, plain FAIL".
local function differences(ours, plain)
	local list, names = {}, {}
	for name in pairs(ours.leaves) do names[name] = true end
	for name in pairs(plain.leaves) do names[name] = true end
	for name in pairs(names) do
		local a, b = ours.leaves[name], plain.leaves[name]
		if a ~= b then list[#list + 1] = ("%s: %s, plain %s"):format(name, a or "none", b or "none") end
	end
	table.sort(list)
	return list
end

local function nr_of(leaves)
	local n = 0
	for _ in pairs(leaves) do n = n + 1 end
	return n
end

run("mkdir -p %s", place)
local rows = {
	"| target | program | Provium | plain QEMU | results | differ |", "| --- | --- | --- | --- | --- | --- |",
}

for target in os.getenv("PLAIN_TARGETS"):gmatch "%S+" do
	test(("%s has the same results under a plain QEMU"):format(target), { timeout = "2h" }, function()
		local name = target:gsub("/", "-")
		local ours, plain = parse_result(name), parse_console(run_plain(target, name))
		local programs, problems = {}, {}
		for program in pairs(ours) do programs[#programs + 1] = program end
		table.sort(programs)
		for _, program in ipairs(programs) do
			local a, b = ours[program], plain[program] or { verdict = "none", leaves = {} }
			local differ = differences(a, b)
			rows[#rows + 1] = ("| %s | %s | %s | %s | %d | %d |"):format(target, program, a.verdict, b.verdict,
				nr_of(a.leaves), #differ)
			if a.verdict ~= b.verdict or #differ > 0 then
				problems[#problems + 1] = ("%s: %s, plain %s"):format(program, a.verdict, b.verdict)
				table.move(differ, 1, math.min(#differ, 10), #problems + 1, problems)
			end
		end
		write(place .. "/table.md", table.concat(rows, "\n") .. "\n")
		assert_eq({}, problems)
	end)
end
