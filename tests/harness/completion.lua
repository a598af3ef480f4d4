-- SPDX-License-Identifier: GPL-2.0-only
-- Completion: provium complete, and bash and zsh on a terminal.

local complete = require "provium.complete"
local kit = require "kit"
local pty = require "pty"
local runner = require "runner"

-- Returns the candidates for the last of the words. opts: as for runner.run().
local function candidates(words, opts)
	local r = runner.run({ "complete", tostring(#words), table.unpack(words) }, opts)
	assert_eq(0, r.status, r.said)
	local list = {}
	for line in r.said:gmatch("[^\n]+") do list[#list + 1] = line:match("^[^\t]*") end
	return list
end

test("provium complete offers each command that is for users, with its summary", function()
	local help = runner.run({ "--help" }).said
	local wanted = { "--help", "--version" }
	for name in help:match("^(.-)\n\nUsed by "):gmatch("\n  (%l+) ") do wanted[#wanted + 1] = name end
	assert_eq(wanted, candidates { "" })
	assert_eq({ "make" }, candidates { "ma" })
	assert_contains(runner.run({ "complete", "1", "fix" }).said, "fixture\tbuild, list or remove fixtures")
end)

test("provium complete offers the options of each command as its --help has them", function()
	for command in runner.run({ "--help" }).said:gmatch("\n  (%l[%l-]+) ") do
		local help = runner.run({ command, "--help" }).said
		local has = {}
		for _, line in ipairs(complete.options(help)) do has[line:match("^[^\t]*")] = true end
		assert(has["--help"], command)
		for option in help:gmatch("\n  (%-%-[%l-]+=?%l*)") do assert(has[option], command .. " " .. option) end
	end
	assert_contains(table.concat(candidates { "test", "-" }, " "), "--help --format --filter -f --fail-fast --rerun-failed --on-failure=shell")
	assert_eq({ "-f" }, candidates { "test", "-f" })
	assert_eq({ "--format", "--filter", "--fail-fast" }, candidates { "test", "--f" })
	assert_eq({ "--on-failure=shell" }, candidates { "test", "--on-failure=s" })
end)

test("each format that complete offers is one that provium test takes", function()
	local formats = candidates { "test", "--format", "" }
	local known = runner.run({ "test", "--format", "x", "good.lua" }).said:match("expected ([^\n]*)\n")
	assert_eq(known:gsub(" or ", ", "), table.concat(formats, ", "))
	assert_eq({ "json", "junit" }, candidates { "test", "--format", "j" })
end)

test("provium complete offers fixtures here and profiles to commands that take one", function()
	runner.with_folder(function(dir)
		runner.add_file(dir .. "/tests/fixtures/ringdev.lua", "")
		local here = { cwd = dir }
		for _, words in ipairs {
			{ "shell", "ri" }, { "repl", "ri" }, { "gdb", "ri" }, { "shell", "--fixture", "ri" },
			{ "fixture", "build", "ri" }, { "fixture", "build", "-v", "ri" },
			{ "fixture", "list", "ri" }, { "fixture", "clean", "ri" },
		} do
			assert_eq({ "ringdev" }, candidates(words, here), table.concat(words, " "))
		end
		assert_eq({ "build", "list", "clean" }, candidates({ "fixture", "" }, here))
		local profiles = {}
		for name in runner.profiles():gmatch("[^, ]+") do profiles[#profiles + 1] = name end
		assert_eq(profiles, candidates({ "exec", "" }, here))
		assert_eq(profiles, candidates({ "exec", "--cpus", "2", "" }, here))
		assert_eq({}, candidates({ "exec", "--cpus", "" }, here))
	end)
end)

test("provium complete offers words to explain, events to replay to, and make variables", function()
	assert_eq({ "kasan" }, candidates { "explain", "kas" })
	assert_eq({ "failing-call" }, candidates { "replay", "dir", "--until", "f" })
	assert_eq({ "MODULE=" }, candidates { "make", "MO" })
	assert_eq({ "TESTS=" }, candidates { "check", "T=x", "TES" })
	assert_eq({ "TESTS_AT=" }, candidates { "bisect", "GOOD=v1", "TES" })
end)

test("provium complete offers a pattern for -f for each test of the files on the line", function()
	assert_eq({ "^one$", "^two$" }, candidates { "test", "good.lua", "-f", "" })
	assert_eq({}, candidates { "test", "-f", "" })
end)

test("provium complete offers nothing for a file's name and for an unknown command", function()
	assert_eq({}, candidates { "test", "" })
	assert_eq({}, candidates { "nonesuch", "" })
	for _, args in ipairs { {}, { "x" }, { "0", "test" }, { "3", "test" } } do
		local r = runner.run { "complete", table.unpack(args) }
		local message = ("provium complete: %s: expected the number of a word, or of the next one"):format(args[1] or "N")
		assert_eq({ 2, message }, { r.status, r.said:match("^[^\n]*") })
	end
	assert_eq(0, runner.run({ "complete", "2", "test" }).status)
end)

-- --- bash and zsh on a terminal ---

local SHELLS = {
	bash = "bash --norc --noprofile -i",
	zsh = "zsh -f -i",
}
local SETUP = {
	bash = "PS1='> '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . %s/completion/provium.bash",
	zsh = "PS1='> '; unset zle_bracketed_paste; unsetopt prompt_sp; fpath=(%s/completion $fpath); autoload -U compinit; compinit -D -u",
}

for _, shell in ipairs { "bash", "zsh" } do
	test(("%s completes commands, options, values, fixtures and titles"):format(shell), function()
		if runner.shell("command -v " .. shell) == "" then skip(("needs %s (make deps-dev)"):format(shell)) end
		runner.with_folder(function(dir)
			pty.build(dir)
			runner.add_file(dir .. "/fixtures/ringdev.lua", "")
			runner.write(dir .. "/t.lua", 'test("reads a ring", function() end)\n')
			runner.shell(("mkdir %s/bin && ln -s %s %s/bin/provium"):format(dir, runner.quote(runner.path), dir))
			-- Shows its arguments: the command that was completed.
			runner.add_file(dir .. "/show", '#!/bin/sh\nfor word; do printf "<%s>" "$word"; done; echo\n')
			runner.shell("chmod +x " .. dir .. "/show")
			local setup = SETUP[shell]:format(kit.root)
			local steps = { ("send %s; echo re''ady\r"):format(setup), "expect ready\r\n", "expect > " }
			local function check(typed, wanted)
				table.move({
					-- Ctrl-A: to the beginning of the line.
					"send " .. typed .. "\1./show \r",
					"expect " .. wanted .. "\r\n", "expect > ",
				}, 1, 3, #steps + 1, steps)
			end
			check("provium expl\tkas\t", "<provium><explain><kasan>")
			check("provium test --fail\tt.l\t", "<provium><test><--fail-fast><t.lua>")
			check("provium test --on-failure=ke\tt.lua", "<provium><test><--on-failure=keep><t.lua>")
			check("provium shell ri\t", "<provium><shell><ringdev>")
			check("provium make MODU\tx", "<provium><make><MODULE=x>")
			check("provium test t.lua -f \t", "<provium><test><t.lua><-f><^reads a ring$>")
			steps[#steps + 1] = "send exit\r"
			local shown, ending = pty.run(dir, ("env PATH=%s/bin:$PATH TERM=dumb HOME=%s %s"):format(dir, dir, SHELLS[shell]), steps)
			assert_eq("exit 0", ending, shown)
		end)
	end)
end
