-- SPDX-License-Identifier: GPL-2.0-only
-- Titles with characters that need escaping.

test('"quoted" and \\backslash', function() assert(true) end)
test("two\nlines", function() assert(true) end)
test("ok 1 - # SKIP nothing", function() assert(true) end)
test("<b>&amp;</b> %s %d", function() assert(true) end)
test("not UTF-8: \xff\xfe", function() assert(false, "nor is this: \xff <&> # \"") end)
test("control \27[31m characters\0", function() assert(true) end)
test("", function() assert(true) end)
test("ñàмé 🙂", function() assert(true) end)
