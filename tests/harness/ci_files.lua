-- SPDX-License-Identifier: GPL-2.0-only
-- The workflow files of docs/ci/: valid YAML, commands that a shell can read,
-- and only targets, variables and files that exist.

local kit = require "kit"
local runner = require "runner"

local FILES = { "github.yml", "gitlab.yml" }

local function source(name) return runner.read(("%s/docs/ci/%s"):format(kit.root, name)) end

-- Returns the commands of a file: the blocks after "run: |", and the items of
-- GitLab's scripts.
local function commands(text)
	local list, block, indent = {}, nil, nil
	for line in text:gmatch("[^\n]*") do
		local depth = #line:match("^ *")
		if block and (depth > indent or line == "") then
			block[#block + 1] = line
		else
			if block then list[#list + 1] = table.concat(block, "\n") end
			block, indent = line:find(" run: |$") and {} or nil, depth
			local item = line:match("^    %- (.*)")
			if item then list[#list + 1] = item end
		end
	end
	return list
end

for _, name in ipairs(FILES) do
	test(("yamllint finds no fault in docs/ci/%s"):format(name), function()
		if runner.shell("command -v yamllint") == "" then skip "needs yamllint (make deps-dev)" end
		assert_eq("", runner.shell(("cd %s && yamllint -s docs/ci/%s 2>&1"):format(runner.quote(kit.root), name)))
	end)

	test(("each command of docs/ci/%s is one that a shell can read"):format(name), function()
		local list = commands(source(name))
		assert(#list >= 4, #list)
		for _, command in ipairs(list) do
			assert_eq("", runner.shell(("sh -n -c %s 2>&1"):format(runner.quote(command))), command)
		end
	end)

	test(("docs/ci/%s uses only targets, variables and report files that make has"):format(name), function()
		local config, text = runner.read(kit.root .. "/mk/config.mk"), source(name)
		local nr = 0
		for line in text:gmatch("[^\n]*make %-C [^\n]*") do
			local words = line:match("make %-C (.*)"):gsub('^%S+ ', "")
			for word in words:gmatch("%S+") do
				local variable = word:match("^(%u[%u_]*)=")
				if variable then
					assert(config:find("\n" .. variable .. " *%?="), word)
				elseif not word:find("^%-j%d") then
					assert(word == "deps" or word == "test", word)
				end
				nr = nr + 1
			end
		end
		assert(nr >= 5, nr)
		local written = runner.read(kit.root .. "/runner/make/summary.c")
		for file in text:gmatch("%f[%w]%w+%.%f[mtx][dmtx]+%f[%W]") do assert_contains(written, '"' .. file .. '"') end
		assert(config:find("\nPROFILE ", 1, true) and text:find("PROFILE: distro", 1, true))
		assert(runner.read(kit.root .. "/kernel-configs/distro.profile"))
	end)
end
