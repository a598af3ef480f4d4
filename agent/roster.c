// SPDX-License-Identifier: GPL-2.0-only
/* Creates the VM's own executor, names executors, and ends them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/executor/executor.h"
#include "agent/ops/dispatch.h"
#include "agent/roster.h"

int roster_init(struct supervisor *s)
{
	s->shared = shared_map(sizeof(*s->shared));
	if (!s->shared)
		return -ENOMEM;
	for (uint32_t i = 0; i < CHANNELS; i++) {
		s->shared->box[i].in = s->shared->in[i].bytes;
		s->shared->box[i].out = s->shared->out[i].bytes;
	}
	atomic_store(&s->shared->supervisor, getpid());
	atomic_store(&s->shared->high, WIRE_EXECUTOR);
	atomic_store(&s->shared->recent, WIRE_EXECUTOR);
	return 0;
}

/* --- creating the VM's own executor --- */

static int open_or_null(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY);

	return fd >= 0 ? fd : open("/dev/null", flags);
}

/* Sets up the descriptors for a test: 0, 1, 2, and none of the supervisor's. */
static void child_descriptors(struct supervisor *s)
{
	int in = open_or_null("/dev/null", O_RDONLY);
	int out = open_or_null(s->config.guest ? "/dev/console" : "/dev/null",
			       O_WRONLY);

	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	if (in > 2)
		close(in);
	if (out > 2)
		close(out);
	close(s->sig_fd);
	if (s->next_fd >= 0)
		close(s->next_fd);
	if (s->config.listen_fd >= 0)
		close(s->config.listen_fd);
}

static noreturn void child(struct supervisor *s)
{
	struct executor ex = {
		.channel = WIRE_EXECUTOR,
		.link = s->link,
		.generation = atomic_load(&s->link.state->generation),
		.notify_fd = s->notify_fd,
		.timer_fd = s->timer_fd,
		.random_fd = s->random_fd, .frame_fd = s->frame_fd,
		.shared = s->shared,
		.run_op = op_run,
		.box = roster_box(s, WIRE_EXECUTOR),
	};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atomic_load(&s->shared->supervisor))
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	child_descriptors(s);
	executor_main(&ex);
}

int roster_start_executor(struct supervisor *s)
{
	struct mailbox *box = roster_box(s, WIRE_EXECUTOR);
	pid_t pid;

	mailbox_reset(box, s->link.fd < 0);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		child(s);
	atomic_store(&box->pid, pid);
	atomic_store(&box->tid, pid);
	atomic_store(&box->life, LIFE_ON);
	return 0;
}

/* --- naming and ending executors --- */

int roster_name(struct supervisor *s, uint32_t channel, char *text, size_t cap)
{
	struct mailbox *box = roster_box(s, channel);
	int pid = atomic_load(&box->pid);

	if (channel == WIRE_EXECUTOR)
		return snprintf(text, cap, "the executor (pid %d)", pid);
	if (atomic_load(&box->thread))
		return snprintf(text, cap, "worker %u (a thread of pid %d)", channel - 1, pid);
	return snprintf(text, cap, "worker %u (pid %d)", channel - 1, pid);
}

void roster_forget(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);

	/*
	 * The kernel may still write to the tid in the mailbox of a stuck
	 * thread, so the mailbox is never used again.
	 */
	if (roster_entry(s, channel)->stuck)
		return;
	roster_entry(s, channel)->death_report[0] = 0;
	frame_forget(box->in);
	frame_forget(box->out);
	atomic_store(&box->life, LIFE_NONE);
}

void roster_end_executor(struct mailbox *box)
{
	pid_t pid = atomic_load(&box->pid), tid = atomic_load(&box->tid);

	if (pid > 1 && atomic_load(&box->thread) && tid > 1)
		syscall(SYS_tgkill, pid, tid, THREAD_END_SIGNAL);
	else if (pid > 1)
		kill(pid, SIGKILL);
}

void roster_kill_all(struct supervisor *s)
{
	for_each_channel(s, channel)
		if (mailbox_is_on(roster_box(s, channel)) &&
		    atomic_load(&roster_box(s, channel)->pid) > 1)
			kill(atomic_load(&roster_box(s, channel)->pid), SIGKILL);
	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&s->shared->jobs[i].pid) > 1 &&
		    atomic_load(&s->shared->jobs[i].keeper) > 1)
			kill(-atomic_load(&s->shared->jobs[i].pid), SIGKILL);
}
