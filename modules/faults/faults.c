// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commits the faults that a module can commit, to test that they are detected.
 *
 * 	insmod faults.ko commit=NAME
 *
 * commits the fault NAME while the module is loaded.  A NAME written to
 * /sys/module/faults/parameters/commit later commits another fault.  Some
 * faults work only in a kernel that checks for them (PROFILE=debug).
 */
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/reboot.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/*
 * Two variables for the faults below.  They are neither static nor constant, so
 * that the compiler cannot see that an access is a fault.
 */
int *faults_null;
volatile int faults_sink;

/* --- assertions in the kernel's code --- */

static void fault_warn(void)
{
	WARN_ON(1);
}

static void fault_warn_text(void)
{
	WARN(1, "faults: the state is %d\n", 3);
}

/* A WARNING that later messages push out of the kernel log. */
static void fault_warn_flood(void)
{
	WARN_ON(1);
	for (int i = 0; i < 20000; i++)
		pr_info("faults: line %d of a driver that talks too much, to fill the log\n", i);
}

static int bug_thread(void *unused)
{
	BUG();
	return 0;
}

/*
 * The BUG happens in a kernel thread, so the process that asks for it
 * continues.
 */
static void fault_bug(void)
{
	struct task_struct *t = kthread_run(bug_thread, NULL, "faults_bug");

	if (!IS_ERR(t))
		msleep(100);
}

static void fault_refcount(void)
{
	refcount_t r = REFCOUNT_INIT(1);

	refcount_dec(&r);
}

static void fault_refcount_underflow(void)
{
	refcount_t r = REFCOUNT_INIT(0);

	faults_sink = refcount_dec_and_test(&r);
}

/* --- memory --- */

static void null_work(struct work_struct *w)
{
	WRITE_ONCE(faults_null[2], 1);
}

static DECLARE_WORK(work, null_work);

/*
 * A kernel worker uses a NULL pointer; the process that asks for it continues.
 */
static void fault_null_work(void)
{
	schedule_work(&work);
	msleep(100);
}

static void fault_null(void)
{
	WRITE_ONCE(faults_null[2], 1);
}

static void fault_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	faults_sink = READ_ONCE(p[8]);
}

static void fault_out_of_bounds(void)
{
	char *p = kmalloc(64, GFP_KERNEL);
	volatile unsigned int at = 64;

	p[at] = 1;
	kfree(p);
}

static void fault_double_free(void)
{
	void *p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	kfree(p);
}

static void fault_list(void)
{
	LIST_HEAD(head);
	struct list_head entry;

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
}

/* --- contexts and locks --- */

static DEFINE_SPINLOCK(lock);

static void fault_sleep_atomic(void)
{
	spin_lock(&lock);
	might_sleep();
	msleep(1);
	spin_unlock(&lock);
}

/* --- objects of sysfs --- */

static void fault_kobject(void)
{
	struct kobject *a = kobject_create_and_add("faults_twice", kernel_kobj);
	struct kobject *b = kobject_create_and_add("faults_twice", kernel_kobj);

	kobject_put(b);
	kobject_put(a);
}

/* --- the end --- */

static void fault_panic(void)
{
	panic("faults: asked for");
}

static void fault_reset(void)
{
	emergency_restart();
}

/* Prints text that only looks like a report. */
static void fault_none(void)
{
	pr_info("faults: DEBUG: state %d\n", 3);
	pr_info("faults: INFO: task queued\n");
	pr_info("faults: WARNING: the weather is bad\n");
	pr_info("faults: unable to handle request, retrying\n");
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
#define F(name) { #name, fault_##name }
	F(none), F(warn), F(warn_text), F(warn_flood), F(bug), F(refcount),
	F(refcount_underflow), F(null), F(null_work), F(use_after_free), F(out_of_bounds),
	F(double_free), F(list), F(sleep_atomic), F(kobject), F(panic), F(reset),
#undef F
};

static int commit_set(const char *val, const struct kernel_param *kp)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		if (sysfs_streq(val, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static int commit_get(char *buf, const struct kernel_param *kp)
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		n += sysfs_emit_at(buf, n, "%s\n", faults[i].name);
	return n;
}

static const struct kernel_param_ops commit_ops = { .set = commit_set, .get = commit_get };

module_param_cb(commit, &commit_ops, NULL, 0644);
MODULE_PARM_DESC(commit, "the name of the fault to commit now");

MODULE_DESCRIPTION("Commits faults on request");
MODULE_LICENSE("GPL");

static int __init faults_init(void)
{
	return 0;
}

static void __exit faults_exit(void)
{
	cancel_work_sync(&work);
}

module_init(faults_init);
module_exit(faults_exit);
