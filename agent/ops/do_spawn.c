// SPDX-License-Identifier: GPL-2.0-only
/* The op spawn: creates a worker, which is an executor with its own channel. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/executor/executor.h"
#include "agent/executor/op_fd.h"
#include "agent/executor/sibling.h"
#include "agent/ops/ops.h"
#include "agent/shared/futex.h"

#define STACK_SIZE (128u << 10)		/* size of a thread worker's stack, in bytes */

/*
 * Takes a free channel for a worker that `starter` creates.  Returns its
 * number, or 0 if there is none.
 */
static uint32_t take_channel(struct shared *shared, uint32_t starter)
{
	for (uint32_t channel = WIRE_EXECUTOR + 1; channel <= CHANNELS; channel++) {
		struct mailbox *box = &shared->box[channel - 1];
		uint32_t none = LIFE_NONE;

		if (!atomic_compare_exchange_strong(&box->life, &none, LIFE_STARTING))
			continue;
		mailbox_reset(box, false);
		atomic_store(&box->starter, starter);
		if (channel > atomic_load(&shared->high))
			atomic_store(&shared->high, channel);
		return channel;
	}
	return 0;
}

static struct executor worker_of(const struct executor *ex, uint32_t channel)
{
	return (struct executor){
		.channel = channel, .link = ex->link, .generation = ex->generation,
		.notify_fd = ex->notify_fd, .timer_fd = ex->timer_fd,
		.random_fd = ex->random_fd, .frame_fd = ex->frame_fd,
		.shared = ex->shared, .run_op = ex->run_op,
		.box = &ex->shared->box[channel - 1],
	};
}

/* --- workers that are processes --- */

static noreturn void process_main(const struct executor *parent, uint32_t channel)
{
	struct executor me = worker_of(parent, channel);

	me.arena = parent->arena;	/* the fork has copied arena and guards */
	me.guards = parent->guards;
	sibling_set_up(parent->shared);
	executor_main(&me);
}

static int start_process(struct executor *ex, uint32_t channel)
{
	struct mailbox *box = &ex->shared->box[channel - 1];
	pid_t pid = sibling_fork(&box->pid);

	if (!pid)
		process_main(ex, channel);
	atomic_store(&box->tid, pid);
	return pid < 0 ? pid : 0;
}

/* --- workers that are threads --- */

/*
 * Placed at the start of a thread's mapping; the thread's stack and arena
 * follow.
 */
struct thread {
	struct executor ex;
	sigjmp_buf leave;		/* THREAD_END_SIGNAL jumps there */
	/*
	 * true: the thread ended by returning from its function, as glibc
	 * expects.
	 */
	bool returned;
};

/*
 * The thread workers of this process, by channel - 1; and the calling thread's
 * own entry.
 */
static struct thread *threads[CHANNELS];
static _Thread_local struct thread *self;

static void end_thread(int sig)
{
	if (!self)
		_exit(128 + sig);
	siglongjmp(self->leave, 1);
}

/*
 * The end of a thread sends no SIGCHLD to the supervisor.  But the kernel marks
 * every robust mutex that a thread holds when the thread ends, in whatever way,
 * and wakes the waiters (get_robust_list(2)).  So the thread pretends to hold
 * one.
 */
static void announce_end(struct mailbox *box)
{
	box->robust = (struct robust_list_head){
		.list.next = &box->robust.list,
		.futex_offset = (long)offsetof(struct mailbox, alive) -
				(long)offsetof(struct mailbox, robust_entry),
		.list_op_pending = &box->robust_entry,
	};
	atomic_store(&box->alive, (uint32_t)gettid() | FUTEX_WAITERS);
	syscall(SYS_set_robust_list, &box->robust, sizeof(box->robust));
}

/*
 * Ends the thread's command and closes its descriptors, because the process
 * continues.
 */
static void leave_nothing(struct executor *ex)
{
	struct mailbox *box = ex->box;
	pid_t command = atomic_load(&box->command);

	executor_close_held(ex);
	if (command <= 1)
		return;
	kill(-command, SIGKILL);
	waitpid(command, NULL, 0);
	atomic_store(&box->command, 0);
}

static void *thread_main(void *arg)
{
	struct mailbox *box = ((struct thread *)arg)->ex.box;

	self = arg;
	unshare(CLONE_FS);	/* gives the thread its own working directory and root */
	announce_end(box);
	atomic_store(&box->pid, getpid());
	if (!sigsetjmp(self->leave, 1)) {
		atomic_store(&box->tid, gettid());
		futex_wake_all((_Atomic uint32_t *)&box->tid);
		executor_main(&self->ex);
	}
	leave_nothing(&self->ex);
	self->returned = true;
	return NULL;
}

#define THREAD_SIZE (STACK_SIZE + ARENA_SIZE)

static void thread_release(struct thread *t)
{
	guards_release(&t->ex.guards);
	/* glibc still uses the stack of a thread that has not returned. */
	if (t->returned)
		munmap(t, THREAD_SIZE);
	else
		munmap((uint8_t *)t + STACK_SIZE, ARENA_SIZE);
}

static void forget_ended_threads(struct shared *shared)
{
	for (uint32_t i = 0; i < CHANNELS; i++) {
		if (!threads[i] || (atomic_load(&shared->box[i].life) == LIFE_ON &&
				    !mailbox_thread_ended(&shared->box[i])))
			continue;
		thread_release(threads[i]);
		threads[i] = NULL;
	}
}

static struct thread *thread_new(const struct executor *parent, uint32_t channel)
{
	struct thread *t = mmap(NULL, THREAD_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (t == MAP_FAILED)
		return NULL;
	t->ex = worker_of(parent, channel);
	t->ex.arena = (struct wire_arena){ (uint8_t *)t + STACK_SIZE, ARENA_SIZE, 0 };
	return t;
}

static int start_thread(struct executor *ex, uint32_t channel)
{
	struct mailbox *box = &ex->shared->box[channel - 1];
	struct thread *t = thread_new(ex, channel);
	size_t head = (sizeof(*t) + 63) / 64 * 64;
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	if (!t)
		return -ENOMEM;
	atomic_store(&box->thread, 1);
	signal(THREAD_END_SIGNAL, end_thread);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, (uint8_t *)t + head, STACK_SIZE - head);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = pthread_create(&thread, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	if (ret) {
		munmap(t, THREAD_SIZE);
		return -ret;
	}
	while (!atomic_load(&box->tid))
		futex_wait((_Atomic uint32_t *)&box->tid, 0);
	threads[channel - 1] = t;
	return 0;
}

int do_spawn(struct executor *ex, const struct wire_spawn_req *q,
	     struct wire_spawn_rep *p)
{
	uint32_t channel, starting = LIFE_STARTING;
	struct mailbox *box;
	int ret;

	if (ex->channel != WIRE_EXECUTOR)
		return executor_fail(ex, WIRE_REASON_BAD, 0, "only the VM's own executor can spawn a worker");
	forget_ended_threads(ex->shared);
	channel = take_channel(ex->shared, ex->channel);
	if (!channel)
		return executor_fail(ex, WIRE_REASON_ERRNO, EAGAIN,
				     "%u workers at a time are the most; kill() those that are done",
				     CHANNELS - 1);
	ex->started = true;
	box = &ex->shared->box[channel - 1];
	ret = q->thread ? start_thread(ex, channel) : start_process(ex, channel);
	if (ret) {
		atomic_store(&box->life, LIFE_NONE);
		return executor_fail(ex, WIRE_REASON_ERRNO, -ret,
				     q->thread ? "a thread" : "a process");
	}
	p->channel = channel;
	p->pid = atomic_load(&box->pid);
	p->tid = atomic_load(&box->tid);
	if (!atomic_compare_exchange_strong(&box->life, &starting, LIFE_ON)) {
		atomic_store(&box->life, LIFE_NONE);
		return executor_fail(ex, WIRE_REASON_GONE, 0, "the new worker (pid %d) ended at once",
				     p->pid);
	}
	if (q->thread)
		/* The supervisor then watches for the thread's end. */
		executor_wake_supervisor(ex);
	return 0;
}
