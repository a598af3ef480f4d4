// SPDX-License-Identifier: GPL-2.0-only
/* Handles the end of an executor or of a job's keeper. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/death.h"
#include "agent/executor/context.h"
#include "agent/reader_role.h"
#include "agent/reply.h"
#include "agent/send.h"
#include "agent/shared/futex.h"
#include "agent/shared/high_fd.h"
#include "agent/shared/race.h"

/* --- reports of how an executor ended --- */

/* Writes how the executor's process ended; status is that of waitpid(2). */
static void describe_end(struct supervisor *s, uint32_t channel, int status, char *text,
			 size_t cap)
{
	int n = roster_name(s, channel, text, cap);
	const char *whose = atomic_load(&roster_box(s, channel)->thread) ? ": its process" : "";
	char *at = text + n;
	size_t left = cap - (size_t)n;

	if (WIFSIGNALED(status))
		snprintf(at, left, "%s was killed by signal %d (%s)", whose,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == EXECUTOR_LOST_FDS)
		snprintf(at, left, "%s ended: its own descriptors (%d and up) were closed",
			 whose, HIGH_FD_BASE);
	else
		snprintf(at, left, "%s exited with status %d", whose, WEXITSTATUS(status));
}

void death_report(struct supervisor *s, const struct wire_header *req)
{
	const struct wire_op_desc *op = wire_op_by_number(req->op);
	struct roster_entry *m = roster_entry(s, req->channel);
	uint32_t busy = atomic_load(&roster_box(s, req->channel)->busy);
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s; %s", m->death_report,
		 busy ? "during" : "before this", op ? op->name : "op",
		 req->channel == WIRE_EXECUTOR ?
		 "its descriptors are gone; the next call gets a new executor" :
		 "a worker that has ended is not replaced: spawn another");
	reply_fail(s, req, WIRE_REASON_GONE, text);
	/*
	 * An executor that died while it replied may have sent its reply.  Then
	 * the runner drops this fail message, so the death report is kept for
	 * the next call.
	 */
	if (req->channel == WIRE_EXECUTOR && busy != BOX_REPLYING)
		m->death_report[0] = 0;
}

void death_answer_end_worker(struct supervisor *s, uint32_t channel)
{
	struct roster_entry *m = roster_entry(s, channel);
	struct wire_nothing none;

	m->ending = false;
	roster_forget(s, channel);
	reply_send(s, &m->end_request, &none);
}

/* --- what follows from the end of an executor or a keeper --- */

/*
 * Ends the jobs that the dead executor had started, unless the runner was told
 * their numbers.  Kills the keeper of each job, the process that reads the
 * job's output; with it the job ends.
 */
static void reap_new_jobs(struct supervisor *s, uint32_t channel)
{
	for (uint32_t i = 0; i < JOBS; i++) {
		struct job *job = &s->shared->jobs[i];

		if (atomic_load(&job->starter) != channel)
			continue;
		if (atomic_load(&job->keeper) > 1)
			kill(atomic_load(&job->keeper), SIGKILL);
		else if (atomic_load(&job->state) == JOB_STARTING)
			atomic_store(&job->state, JOB_NONE);
		atomic_store(&job->starter, 0);
	}
}

/*
 * Ends the worker that the dead executor was creating, unless the runner was
 * told its channel.  If the worker runs already, the runner may know its
 * channel, so the channel does not become free here.  A thread ends with its
 * process.
 */
static void reap_new_worker(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = roster_box(s, channel);
		uint32_t life = atomic_load(&box->life);
		bool is_new = life == LIFE_STARTING ||
			(life == LIFE_ON && atomic_load(&box->starter));

		if (is_new && !atomic_load(&box->thread) && atomic_load(&box->pid) > 1)
			kill(atomic_load(&box->pid), SIGKILL);
		if (life == LIFE_STARTING)
			roster_forget(s, channel);
		atomic_store(&box->starter, 0);
	}
}

/*
 * Takes back everything the executor held.  The executor will not run again,
 * and its death report is written.
 */
static void reap_channel(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);
	pid_t command = atomic_load(&box->command);
	bool replied = send_take_from_dead(s, channel);

	reader_role_take_from_dead(s, channel);
	if (command > 1)
		kill(-command, SIGKILL);
	if (atomic_load(&box->busy) != BOX_IDLE)
		race_forfeit(s->shared, &box->req, box->in);
	reap_new_jobs(s, channel);
	if (channel == WIRE_EXECUTOR)
		reap_new_worker(s);
	roster_entry(s, channel)->watched = false;
	atomic_store(&box->life, LIFE_OVER);
	if (atomic_load(&box->busy) != BOX_IDLE && !replied)
		death_report(s, &box->req);
	atomic_store(&box->busy, BOX_IDLE);
	if (roster_entry(s, channel)->ending)
		death_answer_end_worker(s, channel);
}

/*
 * Kills a job whose keeper died, since no process would notice the job's end.
 */
static void end_orphaned_job(struct job *job)
{
	pid_t pid = atomic_load(&job->pid);

	if (atomic_load(&job->state) != JOB_ENDED) {
		if (pid > 1)
			kill(-pid, SIGKILL);
		job->status = SIGKILL;
		if (atomic_load(&job->state) == JOB_STARTING)
			atomic_store(&job->error, EINTR);
		atomic_store(&job->state, JOB_ENDED);
		futex_wake_all(&job->state);
	}
	atomic_store(&job->keeper, 0);
}

/*
 * A stopped executor must not keep others from reading or writing the link, so
 * it is killed if it is the reader or has the write lock.  It may have freed
 * the lock without waking the processes that wait for it.
 */
static void stopped(struct supervisor *s, uint32_t channel, pid_t pid)
{
	if (channel == WIRE_EXECUTOR ||
	    atomic_load(&s->link.state->role) == link_reader(channel) ||
	    link_lock_owner(s->link.state) == channel)
		kill(pid, SIGKILL);
	futex_wake_all(&s->link.state->owner);
	reader_role_take_from_stopped(s, channel);
}

/*
 * Marks a worker that ended before the executor that creates it saw it start.
 * That executor finds LIFE_OVER, and fails the request to spawn.
 */
static void end_unborn(struct mailbox *box, pid_t pid)
{
	uint32_t starting = LIFE_STARTING;

	if (!atomic_load(&box->thread) && atomic_load(&box->pid) == pid)
		atomic_compare_exchange_strong(&box->life, &starting, LIFE_OVER);
}

void death_of_child(struct supervisor *s, pid_t pid, int status)
{
	for_each_channel(s, channel) {
		struct mailbox *box = roster_box(s, channel);
		struct roster_entry *m = roster_entry(s, channel);

		if (!WIFSTOPPED(status))
			end_unborn(box, pid);
		if (!mailbox_is_on(box) || atomic_load(&box->pid) != pid)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(s, channel, pid);
			continue;
		}
		describe_end(s, channel, status, m->death_report, sizeof(m->death_report));
		reap_channel(s, channel);
	}
	if (WIFSTOPPED(status))
		return;
	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&s->shared->jobs[i].keeper) == pid)
			end_orphaned_job(&s->shared->jobs[i]);
}

void death_of_thread(struct supervisor *s, uint32_t channel)
{
	struct roster_entry *m = roster_entry(s, channel);
	size_t n = (size_t)roster_name(s, channel, m->death_report, sizeof(m->death_report));

	snprintf(m->death_report + n, sizeof(m->death_report) - n, " ended");
	reap_channel(s, channel);
}

void death_abandon(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);
	struct roster_entry *m = roster_entry(s, channel);
	size_t n = (size_t)roster_name(s, channel, m->death_report, sizeof(m->death_report));

	snprintf(m->death_report + n, sizeof(m->death_report) - n,
		 " was killed, but is stuck in the kernel");
	m->stuck = atomic_load(&box->thread);
	if (atomic_load(&box->pid) > 1)
		kill(atomic_load(&box->pid), SIGKILL);
	reap_channel(s, channel);
}
