-- SPDX-License-Identifier: GPL-2.0-only
-- make bench-chaos: how often two races are lost in recorded runs without
-- --chaos and with it, each of RUNS seeds once.

local RUNS = math.tointeger(tonumber(os.getenv("RUNS") or "")) or 20

provium.timeout = "4h"

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
package.path = here .. "/../lib/?.lua;" .. package.path
local runner = require "runner"

local ko = runner.shell("find " .. runner.quote(runner.home) ..
	"/kernel/*/" .. provium.profile .. ".modules/state -name racy.ko | head -1")

-- Each prints "LOST n of m" and fails, so that there is a recording.
local RACES = {
	{ "an interrupt and a process add (modules/racy)", ([[
	local file <close> = io.open(%q, "rb")
	vm:write_file("/tmp/racy.ko", file:read("a"))
	vm:write_file("/tmp/try", [=[
		n=0; i=0
		while [ $i -lt 50 ]; do
			insmod /tmp/racy.ko; read x </sys/module/racy/parameters/lost; rmmod racy
			n=$((n + x)); i=$((i + 1))
		done
		echo $n
	]=])
	print("LOST", vm:exec("sh /tmp/try").stdout:match("%%d+"), "of 50")
	]]):format(ko) },
	{ "two processes add to a file", [[
	vm:write_file("/tmp/add", "for i in 1 2 3; do read n </tmp/n; echo $((n + 1)) >/tmp/n; done")
	vm:write_file("/tmp/try", [=[
		bad=0; i=0
		while [ $i -lt 20 ]; do
			echo 0 >/tmp/n
			sh /tmp/add & sh /tmp/add & wait
			read n </tmp/n
			[ $n = 6 ] || bad=$((bad + 1))
			i=$((i + 1))
		done
		echo $bad
	]=])
	print("LOST", vm:exec("sh /tmp/try").stdout:match("%d+"), "of 20")
	]] },
}

-- Runs the race once. Returns how often it was lost, and of how many tries.
local function lose(file, option)
	local r = runner.run({ "test", option, file }, { raw = true })
	local lost, tries = r.said:match("LOST%s+(%d+)%s+of (%d+)")
	assert(lost, r.said)
	return tonumber(lost), tonumber(tries)
end

local function share(lost, tries) return ("%d of %d (%.1f %%)"):format(lost, tries, 100 * lost / tries) end

for _, race in ipairs(RACES) do
	test(race[1], { timeout = "2h" }, function()
		runner.with_folder(function(dir)
			local file = runner.write(dir .. "/race.lua", ([[
				test("race", { fixture = provium.profile, timeout = "5m" }, function(vm)
					vm.timeout = 120
					%s
					error("to be recorded")
				end)
			]]):format(race[2]))
			local plain, chaotic, tries = 0, 0, 0
			for seed = 1, RUNS do
				local lost, of = lose(file, "--record")
				plain, tries = plain + lost, tries + of
				chaotic = chaotic + lose(file, "--chaos=" .. seed)
			end
			print(("%-56s without chaos %s, with it %s"):format(race[1], share(plain, tries), share(chaotic, tries)))
		end)
	end)
end
