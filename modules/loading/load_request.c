// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the kernel load the module that the parameter `wanted` names, as a driver
 * does that needs one.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static char *wanted = "";
module_param(wanted, charp, 0444);

static int __init load_request_init(void)
{
	int status = request_module("%s", wanted);

	if (status)
		pr_err("load_request: request_module(\"%s\") returned %d\n", wanted, status);
	return status ? -ENODEV : 0;
}

static void __exit load_request_exit(void)
{
}

module_init(load_request_init);
module_exit(load_request_exit);
MODULE_DESCRIPTION("calls request_module(), for the tests of modprobe");
MODULE_LICENSE("GPL");
