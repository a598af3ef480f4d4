// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes parameters of each kind; they can be read in
 * /sys/module/load_params/parameters/.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>

static int count = 3;
module_param(count, int, 0444);
MODULE_PARM_DESC(count, "a number");

static bool enabled = true;
module_param(enabled, bool, 0444);

static char *label = "none";
module_param(label, charp, 0444);

static int sizes[4];
static unsigned int nr_sizes;
module_param_array(sizes, int, &nr_sizes, 0444);

/* A parameter that .modinfo does not list. */
static int hidden;
module_param_cb(hidden, &param_ops_int, &hidden, 0444);

/* If it is not 0, the module logs this many lines and refuses to load. */
static int refuse_after;
module_param(refuse_after, int, 0444);

static int __init load_params_init(void)
{
	if (!refuse_after)
		return 0;
	for (int i = 1; i <= refuse_after; i++)
		pr_info("load_params: line %d\n", i);
	return -EDOM;
}

static void __exit load_params_exit(void)
{
}

module_init(load_params_init);
module_exit(load_params_exit);
MODULE_DESCRIPTION("parameters of each kind, for the tests of insmod");
MODULE_LICENSE("GPL");
