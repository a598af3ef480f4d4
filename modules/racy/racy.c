// SPDX-License-Identifier: GPL-2.0-only
/*
 * A race that is rarely lost, to test that a recording of it fails each time: a
 * counter is changed by a process and by a timer's interrupt, without a lock.
 *
 * While the module is being inserted, the process adds to the counter until the
 * interrupt has come, once.  The interrupt's update is lost if it comes between
 * the process's read and write, which is about one run in a hundred.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

/*
 * How often a loop that does nothing runs between two updates of the process,
 * and between the read and the write of one.
 */
#define PAUSE_LOOPS 400
#define UPDATE_LOOPS 4

static int racy_count;
static bool racy_interrupted;

static int lost;
module_param(lost, int, 0444);
MODULE_PARM_DESC(lost, "the number of updates that were lost");

static enum hrtimer_restart racy_interrupt(struct hrtimer *timer)
{
	racy_count++;
	WRITE_ONCE(racy_interrupted, true);
	return HRTIMER_NORESTART;
}

static void racy_pause(int loops)
{
	for (volatile int i = 0; i < loops; i++)
		;
}

static noinline void racy_update(void)
{
	int before = READ_ONCE(racy_count);

	racy_pause(UPDATE_LOOPS);
	WRITE_ONCE(racy_count, before + 1);	/* the losing write */
}

static int __init racy_init(void)
{
	struct hrtimer timer;
	int n = 0;

	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer.function = racy_interrupt;
	/* The next whole millisecond but one, which differs in each run. */
	hrtimer_start(&timer, ns_to_ktime((ktime_get_ns() / NSEC_PER_MSEC + 2) * NSEC_PER_MSEC),
		      HRTIMER_MODE_ABS);
	for (; !READ_ONCE(racy_interrupted); n++) {
		racy_pause(PAUSE_LOOPS);
		racy_update();
	}
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
	lost = n + 1 - racy_count;
	return 0;
}

static void __exit racy_exit(void)
{
}

module_init(racy_init);
module_exit(racy_exit);

MODULE_DESCRIPTION("Loses an update now and then");
MODULE_LICENSE("GPL");
