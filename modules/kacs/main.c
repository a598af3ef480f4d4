// SPDX-License-Identifier: GPL-2.0-only
/* kacs: tokens, security descriptors and access checks, modelled on Windows. */

#include <linux/module.h>
#include <linux/sysfs.h>

#include "file.h"
#include "kacs_calls.h"
#include "task.h"
#include "token.h"

/*
 * /sys/module/kacs/parameters/{tokens,files,tasks}: how many of each exist, to
 * detect leaks.
 */
static int get_count(char *to, const struct kernel_param *param)
{
	return sysfs_emit(to, "%d\n", atomic_read((atomic_t *)param->arg));
}

static int set_count(const char *value, const struct kernel_param *param)
{
	return -EPERM;
}

static const struct kernel_param_ops count_ops = { .get = get_count, .set = set_count };

module_param_cb(tokens, &count_ops, &kacs_nr_tokens, 0444);
module_param_cb(files, &count_ops, &kacs_nr_files, 0444);
module_param_cb(tasks, &count_ops, &kacs_nr_tasks, 0444);

/* The calls are registered last, because tasks can make them from then on. */
static int __init kacs_init(void)
{
	int ret = kacs_token_init();

	if (ret)
		return ret;
	ret = kacs_task_init();
	if (ret)
		goto no_tasks;
	ret = kacs_calls_register();
	if (ret)
		goto no_calls;
	return 0;

no_calls:
	kacs_task_exit();
no_tasks:
	kacs_token_exit();
	return ret;
}

static void __exit kacs_exit(void)
{
	kacs_calls_unregister();
	kacs_task_exit();
	kacs_token_exit();
}

module_init(kacs_init);
module_exit(kacs_exit);

MODULE_DESCRIPTION("Tokens, security descriptors and access checks");
MODULE_LICENSE("GPL");
