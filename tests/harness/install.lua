-- SPDX-License-Identifier: GPL-2.0-only
-- make install and make uninstall: what is there besides the kit itself.
-- tests/kit/install.lua uses an installed kit.

local kit = require "kit"
local runner = require "runner"

local dir, _ <close> = runner.new_folder()
local prefix = dir .. "/usr"
local said, status = kit.in_checkout(("install DESTDIR=%s PREFIX=/usr"):format(dir))
assert(status == 0, said)

test("make install installs manual pages, completion, types and workflow files where other programs look for them", function()
	for path, from in pairs {
		["share/bash-completion/completions/provium"] = "completion/provium.bash",
		["share/zsh/site-functions/_provium"] = "completion/_provium",
		["lib/provium/types/provium.lua"] = "types/provium.lua",
		["share/doc/provium/docs/ci/github.yml"] = "docs/ci/github.yml",
	} do
		local text = runner.read(("%s/%s"):format(prefix, path))
		assert(text and text == runner.read(("%s/%s"):format(kit.root, from)), path)
	end
	for path, title in pairs { ["man1/provium.1"] = "PROVIUM 1", ["man5/provium-test.5"] = "PROVIUM%-TEST 5" } do
		local page = runner.read(("%s/share/man/%s"):format(prefix, path))
		assert(page:find("\n%.TH " .. title:gsub("%%%-", "\\%%-") .. " 20%d%d%-%d%d%-%d%d "), page:sub(1, 200))
	end
end)

test("the installed provium explains words from the installed docs", function()
	local r = runner.run({ "explain", "kasan" }, { runner = prefix .. "/bin/provium", cwd = "/" })
	assert_eq({ 0, "Kind of complaint: kasan" }, { r.status, r.said:match("^[^\n]*") })
end)

test("make uninstall removes every file that make install has installed, and no other", function()
	runner.add_file(prefix .. "/share/man/man1/other.1", "")
	local text, failed = kit.in_checkout(("uninstall DESTDIR=%s PREFIX=/usr"):format(dir))
	assert_eq(0, failed, text)
	assert_eq("share/man/man1/other.1", runner.shell(("cd %s && find . ! -type d -printf '%%P\\n'"):format(prefix)))
end)
