// SPDX-License-Identifier: GPL-2.0-only
/* Exports a function that load_user calls. */
#include <linux/module.h>

int load_core_answer(void);

int load_core_answer(void)
{
	return 42;
}
EXPORT_SYMBOL(load_core_answer);

static int __init load_core_init(void)
{
	return 0;
}

static void __exit load_core_exit(void)
{
}

module_init(load_core_init);
module_exit(load_core_exit);
MODULE_DESCRIPTION("exports a symbol, for the tests of insmod");
MODULE_LICENSE("GPL");
