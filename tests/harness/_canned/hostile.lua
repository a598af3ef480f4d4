-- SPDX-License-Identifier: GPL-2.0-only
-- Titles, messages and logs with the syntax of report formats.

local function fails(name, message)
	test(name, function()
		log(name)
		assert(false, message or name)
	end)
end

fails('quotes " \' ` and \\backslash\\')
fails("lines\none\r\ntwo\rthree")
fails("not ok 7 - # SKIP this # TODO")
fails("<b>&amp;</b> <![CDATA[ ]]> --> %s %d $(id) $HOME")
fails("bytes \xff\xfe \xc0\x80 \xed\xa0\x80 \xe2\x82")
fails("control \0 \1 \7 \27[31m \127 \u{9b}31m \u{85} \u{2028} \u{202e} \u{ffff}")
fails("Subtest: x", "Subtest: x\nKTAP version 1\n1..9\nBail out!\nreboot: System halted")
fails("", "List of all partitions: Kernel panic - not syncing: VFS: x")
fails("  blanks\tand a tab  ")
fails("ñàмé 🙂 漢字")
test("# SKIP", function() skip("reason # with <&> \"quotes\"\nand a line") end)
test("passes # after <all> of them", function() assert(true) end)
print("1..1\nok 1 printed <&> \xff")
