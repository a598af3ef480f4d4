// SPDX-License-Identifier: GPL-2.0-only
/*
 * Needs load_core.  The parameter `answer`, which can be read in sysfs, is what
 * load_core returned.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

int load_core_answer(void);

static int answer;
module_param(answer, int, 0444);

static int __init load_user_init(void)
{
	answer = load_core_answer();
	return 0;
}

static void __exit load_user_exit(void)
{
}

module_init(load_user_init);
module_exit(load_user_exit);
MODULE_DESCRIPTION("needs the symbol of load_core, for the tests of insmod");
MODULE_LICENSE("GPL");
