-- SPDX-License-Identifier: GPL-2.0-only
-- make kselftest: the build of a folder of selftests, and the run of its
-- programs. The kernel tree here is a small one with a single folder.

local runner = require "runner"
local session = require "provium.session"

for _, file in ipairs { "tree", "build", "why.awk", "bin/rsync", "lib/kselftest.lua" } do
	session.depend("mk/kselftest/" .. file)
end

-- A small stand-in for lib.mk of the kernel's selftests.
local LIB_MK = [[
TEST_GEN_PROGS := $(patsubst %,$(OUTPUT)/%,$(TEST_GEN_PROGS))
all: $(TEST_GEN_PROGS)
$(OUTPUT)/%: %.c
	gcc $(CFLAGS) $(USERLDFLAGS) $< -o $@
install: all
	mkdir -p $(INSTALL_PATH)
	rsync -a --copy-unsafe-links $(TEST_PROGS) $(TEST_GEN_PROGS) settings $(INSTALL_PATH)/
emit_tests:
	for t in $(TEST_GEN_PROGS) $(TEST_PROGS); do echo $(COLLECTION):`basename $$t`; done
]]

local FILES = {
	["Makefile"] = "headers:\n\tmkdir -p $(O)/usr/include && touch $(O)/usr/include/from_headers.h\n",
	["include/in_tree.h"] = "#define IN_TREE 1\n",
	["tools/testing/selftests/lib.mk"] = LIB_MK,
	["tools/testing/selftests/kselftest/runner.sh"] = "",
	["tools/testing/selftests/demo/Makefile"] =
		"TEST_GEN_PROGS := passes fails broken dynamic\nTEST_PROGS := skips.sh hangs.sh\n" ..
		"CFLAGS = -I../../../../include -isystem ../../../../usr/include\ninclude ../lib.mk\n" ..
		"$(OUTPUT)/dynamic: dynamic.c\n\tgcc -pie $(USERLDFLAGS) $< -o $@\n",
	["tools/testing/selftests/demo/passes.c"] = "#include <in_tree.h>\n#include <from_headers.h>\n#include <stdio.h>\n" ..
		"int main(void) { puts(\"TAP version 13\\n1..1\\nok 1 in_tree\"); return !IN_TREE; }\n",
	["tools/testing/selftests/demo/fails.c"] = "int main(void) { return 3; }\n",
	["tools/testing/selftests/demo/broken.c"] = "#include <no_such_header.h>\nint main(void) { return 0; }\n",
	["tools/testing/selftests/demo/dynamic.c"] = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n",
	["tools/testing/selftests/demo/skips.sh"] = "#!/bin/sh\nexit 4\n",
	["tools/testing/selftests/demo/hangs.sh"] = "#!/bin/sh\nexec sleep 1000\n",
	["tools/testing/selftests/demo/settings"] = "timeout=1\n",
}

-- Calls fn(folder, list) with the output folder of a build of that tree, and
-- the list that the build has written.
local function with_build(fn)
	runner.with_folder(function(dir)
		local src, out = dir .. "/src", dir .. "/out"
		for path, text in pairs(FILES) do runner.add_file(src .. "/" .. path, text) end
		runner.shell(("chmod 755 %s/tools/testing/selftests/demo/*.sh; mkdir -p %s/tests/fixtures %s/tests/lib"):format(src, out, out))
		local before = runner.shell(("cd %s && find . -type f -exec cksum {} +"):format(src))
		local said = runner.shell(("{ mk/kselftest/tree %s %s && mk/kselftest/build %s demo %s/demo.list; } 2>&1"):format(src, out,
			out, out))
		assert_eq("", said)
		assert_eq(before, runner.shell(("cd %s && find . -type f -exec cksum {} +"):format(src)), "the tree is as it was")
		fn(out, runner.read(out .. "/demo.list"))
	end)
end

-- Returns the first word of each line of the list that is of this kind.
local function names(list, kind)
	local found = {}
	for name in ("\n" .. list):gmatch("\n" .. kind .. "\t([^\t\n]+)") do found[#found + 1] = name end
	return found
end

with_build(function(out, list)
	test("the list of a folder of selftests names its programs and what they need", function()
		assert_eq({ "dynamic", "fails", "hangs.sh", "passes", "skips.sh" }, names(list, "test"))
		assert_eq({ "broken" }, names(list, "missing"))
		assert_contains(list, "missing\tbroken\tbroken.c:1:10: fatal error: no_such_header.h: No such file or directory")
		assert_contains(list, "file\t/kselftest/demo/passes\t")
		assert_contains(list, "\nfile\t/lib64/ld-linux-x86-64.so.2\t", "the shared libraries of dynamic")
		assert_eq("", runner.shell(("ldd %s/root/demo/kselftest/demo/passes 2>/dev/null"):format(out)):match "=>" or "",
			"passes is linked statically")
	end)

	test("make kselftest runs each program, and says why one was not built", function()
		runner.write(out .. "/tests/lib/kselftest.lua", runner.read "mk/kselftest/lib/kselftest.lua")
		runner.write(out .. "/tests/fixtures/kselftest-demo.lua", ('require "kselftest".boot "%s/demo.list"\n'):format(out))
		runner.write(out .. "/tests/demo.lua", ('require "kselftest".tests("demo", "kselftest-demo", "%s/demo.list")\n'):format(out))
		for _, clone in ipairs { "program", "target" } do
			local r = runner.run({ "test", out .. "/tests/demo.lua" },
				{ env = { KSELFTEST_CLONE = clone, PROVIUM_STORE = out .. "/fixtures" } })
			assert_eq(1, r.status)
			assert_contains(r.said, "demo: passes ... ok")
			assert_contains(r.said, "demo: dynamic ... ok")
			assert_contains(r.said, "demo: fails ... FAIL: kselftest /kselftest/demo/fails: 1 of 1 results failed: fails")
			assert_contains(r.said, "demo: broken is built ... BROKEN: broken could not be built: broken.c:1:10: fatal error")
			assert_contains(r.said, "demo: skips.sh ... skip")
			assert_contains(r.said, "demo: hangs.sh ... FAIL: run ")
		end
	end)
end)
