// SPDX-License-Identifier: GPL-2.0-only
/* Workers: executors beside the first one, each with a channel of its own. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/ops.h"

#define STACK_SIZE (256u << 10)

/*
 * A child of the supervisor, not of ours: it outlives us, and is reaped.  The
 * kernel writes its pid before it runs.
 */
pid_t fork_sibling(_Atomic int32_t *pid)
{
	long ret = syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID, 0, pid, 0, 0);

	return ret < 0 ? -errno : (pid_t)ret;
}

void mailbox_reset(struct mailbox *box, bool no_role)
{
	atomic_store(&box->pid, 0);
	atomic_store(&box->tid, 0);
	atomic_store(&box->thread, 0);
	atomic_store(&box->posted, 0);
	atomic_store(&box->no_role, no_role);
	atomic_store(&box->busy, BOX_IDLE);
	atomic_store(&box->handed, 0);
	atomic_store(&box->command, 0);
	atomic_store(&box->race, 0);
}

/* A channel that nobody has: its number, or 0. */
static uint32_t take_channel(struct crew *crew)
{
	for (uint32_t chan = WIRE_EXECUTOR + 1; chan <= CHANNELS; chan++) {
		struct mailbox *box = &crew->box[chan - 1];
		uint32_t none = LIFE_NONE;

		if (!atomic_compare_exchange_strong(&box->life, &none, LIFE_STARTING))
			continue;
		mailbox_reset(box, false);
		if (chan > atomic_load(&crew->high))
			atomic_store(&crew->high, chan);
		return chan;
	}
	return 0;
}

static struct executor worker_of(const struct executor *ex, uint32_t chan)
{
	return (struct executor){
		.chan = chan, .link = ex->link, .generation = ex->generation,
		.notify_fd = ex->notify_fd, .timer_fd = ex->timer_fd,
		.crew = ex->crew, .box = &ex->crew->box[chan - 1],
	};
}

/* --- processes --- */

static noreturn void process_main(const struct executor *parent, uint32_t chan)
{
	struct executor me = worker_of(parent, chan);

	me.arena = parent->arena;	/* our copies of them */
	me.guards = parent->guards;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	executor_main(&me);
}

static int start_process(struct executor *ex, uint32_t chan)
{
	struct mailbox *box = &ex->crew->box[chan - 1];
	pid_t pid = fork_sibling(&box->pid);

	if (!pid)
		process_main(ex, chan);
	atomic_store(&box->tid, pid);
	return pid < 0 ? pid : 0;
}

/* --- threads --- */

static void end_thread(int sig)
{
	(void)sig;
	syscall(SYS_exit, 0);
}

/*
 * The kernel clears box->tid at the thread's end, whatever ended it, and wakes
 * the supervisor's watcher.  Working directory and root are its own from here.
 */
static void *thread_main(void *arg)
{
	struct executor *me = arg;

	unshare(CLONE_FS);
	atomic_store(&me->box->pid, getpid());
	syscall(SYS_set_tid_address, &me->box->tid);
	atomic_store(&me->box->tid, gettid());
	futex_wake_all((_Atomic uint32_t *)&me->box->tid);
	executor_main(me);
	return NULL;
}

/* This process's thread workers, by channel. */
static struct executor *threads[CHANNELS];

/* Memory of those that have ended.  (glibc keeps their stacks: they exit by themselves.) */
static void forget_ended_threads(struct crew *crew)
{
	for (uint32_t i = 0; i < CHANNELS; i++) {
		if (!threads[i] || atomic_load(&crew->box[i].tid) == threads[i]->tid)
			continue;
		executor_release(threads[i]);
		free(threads[i]);
		threads[i] = NULL;
	}
}

static int start_thread(struct executor *ex, uint32_t chan)
{
	struct mailbox *box = &ex->crew->box[chan - 1];
	struct executor *me = malloc(sizeof(*me));
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	if (!me)
		return -ENOMEM;
	*me = worker_of(ex, chan);
	atomic_store(&box->thread, 1);
	signal(THREAD_END_SIGNAL, end_thread);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, thread_main, me);
	pthread_attr_destroy(&attr);
	if (ret) {
		free(me);
		return -ret;
	}
	while (!atomic_load(&box->tid))
		futex_wait((_Atomic uint32_t *)&box->tid, 0);
	me->tid = atomic_load(&box->tid);
	threads[chan - 1] = me;
	return 0;
}

int do_spawn(struct executor *ex, const struct wire_spawn_req *q,
	     struct wire_spawn_rep *p)
{
	uint32_t chan = ex->chan == WIRE_EXECUTOR ? take_channel(ex->crew) : 0;
	struct mailbox *box = chan ? &ex->crew->box[chan - 1] : NULL;
	int ret;

	if (ex->chan != WIRE_EXECUTOR)
		return executor_fail(ex, WIRE_WHY_BAD, 0, "only the VM's own executor spawns");
	if (!box)
		return executor_fail(ex, WIRE_WHY_ERRNO, EAGAIN,
				     "%u workers at a time are the most; kill() those that are done",
				     CHANNELS - 1);
	forget_ended_threads(ex->crew);
	ret = q->thread ? start_thread(ex, chan) : start_process(ex, chan);
	if (ret) {
		atomic_store(&box->life, LIFE_NONE);
		return executor_fail(ex, WIRE_WHY_ERRNO, -ret,
				     q->thread ? "a thread" : "a process");
	}
	p->chan = chan;
	p->pid = atomic_load(&box->pid);
	p->tid = atomic_load(&box->tid);
	atomic_store(&box->life, LIFE_ON);
	if (q->thread)
		executor_wake_supervisor(ex);	/* it watches */
	return 0;
}
