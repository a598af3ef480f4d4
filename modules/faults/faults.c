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
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/reboot.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
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

/* The kernel sets its taint flag for a WARNING, but prints no report. */
static void fault_silent(void)
{
	add_taint(TAINT_WARN, LOCKDEP_STILL_OK);
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

static void fault_divide(void)
{
	volatile int zero = 0;

	faults_sink = (faults_sink + 7) / zero;
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

/* Too many references were taken, because none was given back. */
static void fault_refcount_leak(void)
{
	refcount_t r = REFCOUNT_INIT(INT_MAX);

	refcount_inc(&r);
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

static void call_null(struct work_struct *w)
{
	void (*volatile fn)(void) = NULL;

	fn();
	barrier();	/* not a tail call, which would leave this function's frame */
}

static DECLARE_WORK(calls_null, call_null);

static void fault_null_call_work(void)
{
	schedule_work(&calls_null);
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

/*
 * Follows a pointer in memory that was freed and then given to another user, so
 * that each kernel reports it.
 */
static void fault_freed_pointer(void)
{
	struct list_head *p = kzalloc(96, GFP_KERNEL), *volatile stale = p;
	void *other;

	INIT_LIST_HEAD(p);
	kfree(p);
	other = kzalloc(96, GFP_KERNEL);
	faults_sink = READ_ONCE(stale->next->next) != NULL;
	kfree(other);
}

static void fault_out_of_bounds(void)
{
	char *p = kmalloc(64, GFP_KERNEL);
	volatile unsigned int at = 64;

	p[at] = 1;
	kfree(p);
}

static void fault_out_of_bounds_stack(void)
{
	volatile char buf[16] = { 0 };
	volatile unsigned int at = 16;

	faults_sink = buf[at];
}

static volatile char global[16];

static void fault_out_of_bounds_global(void)
{
	volatile unsigned int at = 20;

	faults_sink = global[at];
}

/* A shift by more bits than the type has, which is undefined. */
static void fault_shift(void)
{
	volatile unsigned int bits = 35;

	faults_sink = 1 << bits;
}

static void fault_array_index(void)
{
	static volatile int table[4];
	volatile unsigned int at = 5;

	faults_sink = table[at];
}

/* Allocates memory to which nothing points afterwards. */
static void fault_leak(void)
{
	for (int i = 0; i < 8; i++)
		memset(kmalloc(200, GFP_KERNEL), 0x5a, 200);
}

/* Gives a program what an earlier user of the memory left in it. */
static void fault_uninitialised(void)
{
	unsigned long to = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	char *from = kmalloc(64, GFP_KERNEL);

	faults_sink = copy_to_user((void __user *)to, from, 64);
	kfree(from);
	vm_munmap(to, PAGE_SIZE);
}

/* Reads from an address that no page table can map. */
static void fault_wild_pointer(void)
{
	faults_sink = *(volatile int *)0xdead000000000108;
}

/* Calls a function pointer that is NULL. */
static void fault_null_call(void)
{
	void (*volatile fn)(void) = NULL;

	fn();
	barrier();	/* as in call_null() */
}

/* Reads a program's memory without copy_from_user(). */
static void fault_user_access(void)
{
	faults_sink = *(volatile int *)current->mm->start_stack;
}

/* Each call takes 512 bytes of a stack of 16 KiB. */
static noinline int overflow(volatile char *caller, int depth)
{
	volatile char here[512];

	here[depth & 511] = caller[0];
	if (depth < 0)
		return 0;
	return overflow(here, depth + 1) + here[0];
}

static void fault_stack_overflow(void)
{
	volatile char first = 0;

	faults_sink = overflow(&first, 0);
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

static void fault_list_add_twice(void)
{
	LIST_HEAD(head);
	struct list_head entry;

	list_add(&entry, &head);
	list_add(&entry, &head);
}

/* --- contexts and locks --- */

static DEFINE_SPINLOCK(lock);
static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_MUTEX(mutex);

static void fault_sleep_atomic(void)
{
	spin_lock(&lock);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&lock);
}

/* The order a, b and then the order b, a: no deadlock, but the risk of one. */
static void fault_lock_order(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

/* The calling task returns to user space while it holds the mutex. */
static void fault_lock_kept(void)
{
	mutex_lock(&mutex);
}

static void fault_unlock_twice(void)
{
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	mutex_unlock(&mutex);
}

/* Reads a pointer that RCU protects, without rcu_read_lock(). */
static void fault_rcu(void)
{
	static int __rcu *pointer;
	int *p = rcu_dereference(pointer);

	faults_sink = p != NULL;
}

static int shared;
static bool race_stops;

/*
 * KCSAN takes accesses to volatile variables for intended, so the variable is
 * not volatile, and the barrier makes each round an access.
 */
static int race_thread(void *unused)
{
	while (!READ_ONCE(race_stops)) {
		shared++;
		barrier();
	}
	return 0;
}

/* Two tasks write a variable without a lock. */
static void fault_data_race(void)
{
	struct task_struct *t = kthread_run(race_thread, NULL, "faults_race");

	if (IS_ERR(t))
		return;
	for (int i = 0; i < 2000000; i++) {
		shared++;
		barrier();
	}
	WRITE_ONCE(race_stops, true);
}

/* --- loops and waits without end --- */

static void fault_spin(void)
{
	for (;;)
		cpu_relax();
}

static void fault_spin_irqs_off(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	for (;;)
		cpu_relax();
}

static void fault_deadlock(void)
{
	spin_lock(&lock);
	spin_lock(&lock);
}

static DEFINE_MUTEX(mutex_a);
static DEFINE_MUTEX(mutex_b);
static DECLARE_COMPLETION(has_b);

static int take_b_and_a(void *unused)
{
	mutex_lock(&mutex_b);
	complete(&has_b);
	msleep(20);
	mutex_lock(&mutex_a);
	return 0;
}

/* Two tasks, each of which waits for the mutex of the other one. */
static void fault_ab_ba(void)
{
	struct task_struct *t;

	mutex_lock(&mutex_a);
	t = kthread_run(take_b_and_a, NULL, "faults_ba");
	if (IS_ERR(t))
		return;
	wait_for_completion(&has_b);
	mutex_lock(&mutex_b);
}

/* The calling task sleeps for good, and no signal wakes it. */
static void fault_hang(void)
{
	DECLARE_COMPLETION_ONSTACK(never);

	wait_for_completion(&never);
}

/* --- what happens after the module has gone --- */

static void late_timer(struct timer_list *t)
{
	mod_timer(t, jiffies + HZ / 10);
}

static DEFINE_TIMER(timer, late_timer);

/* rmmod does not stop the timer, which then runs code that is gone. */
static void fault_timer_after_unload(void)
{
	mod_timer(&timer, jiffies + HZ / 10);
}

static void late_work(struct work_struct *w)
{
	schedule_delayed_work(to_delayed_work(w), HZ / 10);
}

static DECLARE_DELAYED_WORK(delayed, late_work);

static void fault_work_after_unload(void)
{
	schedule_delayed_work(&delayed, HZ / 10);
}

/* --- two objects of one name in sysfs --- */

static void fault_kobject(void)
{
	struct kobject *a = kobject_create_and_add("faults_twice", kernel_kobj);
	struct kobject *b = kobject_create_and_add("faults_twice", kernel_kobj);

	kobject_put(b);
	kobject_put(a);
}

/* --- panic, reset, and no fault at all --- */

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
	F(none), F(warn), F(warn_text), F(warn_flood), F(silent), F(bug), F(divide), F(refcount),
	F(refcount_underflow), F(refcount_leak), F(null), F(null_work), F(null_call),
	F(null_call_work), F(wild_pointer), F(user_access), F(stack_overflow), F(use_after_free),
	F(freed_pointer), F(out_of_bounds), F(out_of_bounds_stack), F(out_of_bounds_global),
	F(shift), F(array_index), F(leak), F(uninitialised), F(double_free), F(list),
	F(list_add_twice), F(sleep_atomic), F(lock_order), F(lock_kept), F(unlock_twice), F(rcu),
	F(data_race), F(spin), F(spin_irqs_off), F(deadlock), F(ab_ba), F(hang),
	F(timer_after_unload), F(work_after_unload), F(kobject), F(panic), F(reset),
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
	cancel_work_sync(&calls_null);
}

module_init(faults_init);
module_exit(faults_exit);
