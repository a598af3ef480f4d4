-- SPDX-License-Identifier: GPL-2.0-only
-- A repository with the history of a small kernel module, tally/, which adds
-- numbers.

local history = require "history"

local tally = {}

tally.COMMITS, tally.BUG = 64, 42

local SOURCE = [[
// SPDX-License-Identifier: GPL-2.0-only
/* Adds numbers. Version %d. */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

struct box {
	int sum;
};

static struct box *box;

static int tally_add(const char *text, const struct kernel_param *kp)
{
	struct box *old = box, *next;
	int n, ret = kstrtoint(text, 0, &n);

	if (ret)
		return ret;
	%s
	next->sum = %s(old ? old->sum : 0) + n;
	box = next;
	%s
	return 0;
}

static int tally_get(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%%d\n", box ? box->sum : 0);
}

static const struct kernel_param_ops ops = { .set = tally_add, .get = tally_get };
module_param_cb(sum, &ops, NULL, 0600);

static char *name = "%s";
module_param(name, charp, 0400);

static int __init tally_init(void)
{
	return %s;
}
module_init(tally_init);

static void __exit tally_exit(void)
{
	kfree(box);
}
module_exit(tally_exit);

MODULE_LICENSE("GPL");
]]

local TEST = [[
local vm = provium.fixture(provium.profile)
vm:insmod("tally")

test("numbers add up", function()
	for _, n in ipairs { 20, 22 } do vm:write_file("/sys/module/tally/parameters/sum", tostring(n)) end
	assert_eq("42\n", vm:read_file("/sys/module/tally/parameters/sum"))
end)

test("the module tells its name", function()
	assert_eq("tally\n", vm:read_file("/sys/module/tally/parameters/name"))
end)
]]

local ALLOCATE = "next = kzalloc(sizeof(*next), GFP_KERNEL);"
local FREE = "kfree(old);"

-- The bug is a use after free: the old struct box is freed before the new one
-- is allocated, so that both are in the same place, and the old sum is lost.
-- Some commits that git asks for cannot be tested: two do not build (32, 33),
-- one has another bug (35), one does not load (40).
local function files(n)
	local first, last = ALLOCATE, FREE
	if n >= tally.BUG then first, last = FREE .. "\n\t" .. ALLOCATE, "" end
	return {
		["tally/Kbuild"] = "obj-m := tally.o\n",
		["tally/tests/sum.lua"] = TEST,
		["tally/tally.c"] = SOURCE:format(n, first, (n == 32 or n == 33) and "undeclared + " or "", last,
			n == 35 and "talley" or "tally", n == 40 and "-ENODEV" or "0"),
	}
end

-- Makes the repository DIR. The n-th commit has the tag vN.
function tally.make(dir) return history.make(dir, tally.COMMITS, files) end

return tally
