// SPDX-License-Identifier: GPL-2.0-only
/* The supervisor's books on executors and workers: who lives, who reads, who died how. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/ops/ops.h"
#include "agent/supervise.h"

static struct mailbox *box_of(struct supervisor *s, uint32_t channel)
{
	return &s->shared->box[channel - 1];
}

static struct member *member_of(struct supervisor *s, uint32_t channel)
{
	return &s->members[channel - 1];
}

static bool is_on(const struct mailbox *box)
{
	return atomic_load(&box->life) == LIFE_ON;
}

/* for every channel that was ever used */
#define for_each_channel(s, channel)						\
	for (uint32_t channel = 1; channel <= atomic_load(&(s)->shared->high); channel++)

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

/* --- birth --- */

static int open_or_null(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY);

	return fd >= 0 ? fd : open("/dev/null", flags);
}

/* Descriptors 0, 1, 2 are what a test may expect; the rest is out of the way. */
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
		.random_fd = s->random_fd,
		.shared = s->shared,
		.box = box_of(s, WIRE_EXECUTOR),
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
	struct mailbox *box = box_of(s, WIRE_EXECUTOR);
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

/* --- the role of the reader --- */

pid_t roster_idle_executor(struct supervisor *s)
{
	struct mailbox *box = box_of(s, WIRE_EXECUTOR);

	if (!is_on(box) || atomic_load(&box->no_role) ||
	    atomic_load(&box->busy) != BOX_IDLE)
		return 0;
	atomic_store(&s->shared->recent, WIRE_EXECUTOR);
	return atomic_load(&box->pid);
}

/* The one that was used last: a test drives one for a while. */
void roster_give_role(struct supervisor *s)
{
	uint32_t channel = atomic_load(&s->shared->recent);
	struct mailbox *box;

	if (!channel || channel > CHANNELS || !is_on(box_of(s, channel)))
		channel = WIRE_EXECUTOR;
	box = box_of(s, channel);
	if (atomic_load(&s->link.state->role) != LINK_SUPERVISOR || !is_on(box) ||
	    s->held ||
	    s->link.fd < 0 || !s->link.greeted || atomic_load(&box->no_role) ||
	    atomic_load(&box->busy) != BOX_IDLE || !link_make_clean(&s->link))
		return;
	atomic_store(&s->link.state->role, link_reader(channel));
	atomic_fetch_add(&box->doorbell, 1);
	futex_wake(&box->doorbell);
}

/* Has a test put a filter on its system calls?  In doubt, yes. */
static bool is_filtered(pid_t tid)
{
	char path[64], line[128];
	bool filtered;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	status = fopen(path, "re");
	filtered = !status;
	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, "Seccomp:", 8))
			filtered = atoi(line + 8);
	if (status)
		fclose(status);
	return filtered;
}

void roster_new_link(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = box_of(s, channel);

		if (!is_on(box))
			continue;
		atomic_store(&box->filtered, is_filtered(atomic_load(&box->tid)));
		atomic_fetch_add(&box->doorbell, 1);
		futex_wake(&box->doorbell);
	}
}

/* --- replies that the supervisor sends --- */

static void send_deferred(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = box_of(s, channel);
	uint32_t from = atomic_load(&box->deferred_from);
	struct wire_header hdr;

	if (!atomic_load(&box->deferred))
		return;
	/* A frame that was begun holds the lock already. */
	if (atomic_load(&s->link.state->owner) != channel + 1)
		link_lock(s->link.state, channel);
	if (!wire_get_header(box->out, &hdr) &&
	    from <= WIRE_HEADER + hdr.len && s->link.fd >= 0)
		link_write(s->link.fd, box->out + from,
			   WIRE_HEADER + hdr.len - from);
	link_unlock(s->link.state);
	frame_forget(box->out);
	atomic_store(&box->deferred, 0);
	futex_wake(&box->deferred);
}

void roster_send_deferred(struct supervisor *s)
{
	for_each_channel(s, channel)
		send_deferred(s, channel);
}

/* --- death --- */

static int who(struct supervisor *s, uint32_t channel, char *text, size_t cap)
{
	struct mailbox *box = box_of(s, channel);
	int pid = atomic_load(&box->pid);

	if (channel == WIRE_EXECUTOR)
		return snprintf(text, cap, "the executor (pid %d)", pid);
	if (atomic_load(&box->thread))
		return snprintf(text, cap, "worker %u (a thread of pid %d)", channel - 1, pid);
	return snprintf(text, cap, "worker %u (pid %d)", channel - 1, pid);
}

/* status as of waitpid(2), of the whole process */
static void how_it_died(struct supervisor *s, uint32_t channel, int status, char *text,
			size_t cap)
{
	int n = who(s, channel, text, cap);
	const char *whose = atomic_load(&box_of(s, channel)->thread) ? ": its process" : "";
	char *at = text + n;
	size_t left = cap - (size_t)n;

	if (WIFSIGNALED(status))
		snprintf(at, left, "%s was killed by signal %d (%s)", whose,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == EXECUTOR_LOST_FDS)
		snprintf(at, left, "%s ended: its own descriptors (%d and up) were closed",
			 whose, AGENT_FD_BASE);
	else
		snprintf(at, left, "%s exited with status %d", whose, WEXITSTATUS(status));
}

/* Tells the call in flight, or a later one, that there was a death. */
static void send_death_report(struct supervisor *s, const struct wire_header *req)
{
	const struct wire_op_desc *op = wire_op_by_number(req->op);
	struct member *m = member_of(s, req->channel);
	uint32_t busy = atomic_load(&box_of(s, req->channel)->busy);
	char text[512];

	snprintf(text, sizeof(text), "%s %s %s; %s", m->death_report,
		 busy ? "during" : "before this", op ? op->name : "op",
		 req->channel == WIRE_EXECUTOR ?
		 "its descriptors are gone; the next call gets a new executor" :
		 "a worker that has ended is not replaced: spawn another");
	send_fail(s, req, WIRE_REASON_GONE, text);
	/*
	 * Who died while replying may have replied: then this answer is dropped,
	 * and the next call has to be told.
	 */
	if (req->channel == WIRE_EXECUTOR && busy != BOX_REPLYING)
		m->death_report[0] = 0;
}

static void forget(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = box_of(s, channel);

	/* The kernel may yet clear a stuck thread's tid: nobody gets that box. */
	if (member_of(s, channel)->stuck)
		return;
	member_of(s, channel)->death_report[0] = 0;
	frame_forget(box->in);
	frame_forget(box->out);
	atomic_store(&box->life, LIFE_NONE);
}

static void answer_end_worker(struct supervisor *s, uint32_t channel)
{
	struct member *m = member_of(s, channel);
	struct wire_nothing none;

	m->ending = false;
	forget(s, channel);
	send_reply(s, &m->end_request, &none);
}

/* Nothing of it runs any more, or will; its death report is set. */
static void reap_channel(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = box_of(s, channel);
	pid_t command = atomic_load(&box->command);
	/* What was deferred while replying is the reply, and is sent here. */
	bool replied = atomic_load(&box->deferred) &&
		       atomic_load(&box->busy) == BOX_REPLYING;

	send_deferred(s, channel);
	if (atomic_load(&s->link.state->role) >> 1 == channel) {
		atomic_store(&s->link.state->role, LINK_SUPERVISOR);
		link_recover(&s->link);
	}
	/* It may have died just before it set the timer, or unable to. */
	atomic_store(&s->link.state->armed, 0);
	if (atomic_load(&s->link.state->owner) == channel + 1)
		link_unlock(s->link.state);
	if (command > 1)
		kill(-command, SIGKILL);
	if (atomic_load(&box->busy) != BOX_IDLE)
		race_forfeit(s->shared, &box->req, box->in);
	member_of(s, channel)->watched = false;
	atomic_store(&box->life, LIFE_OVER);
	if (atomic_load(&box->busy) != BOX_IDLE && !replied)
		send_death_report(s, &box->req);
	atomic_store(&box->busy, BOX_IDLE);
	if (member_of(s, channel)->ending)
		answer_end_worker(s, channel);
}

/* Workers it was making when it died have no owner. */
static void reap_unborn(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = box_of(s, channel);

		if (atomic_load(&box->life) != LIFE_STARTING)
			continue;
		if (!atomic_load(&box->thread) && atomic_load(&box->pid) > 1)
			kill(atomic_load(&box->pid), SIGKILL);
		forget(s, channel);
	}
}

static void job_orphaned(struct job *job)
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

/* An idle one that stops would keep the link from being read. */
static void stopped(struct supervisor *s, uint32_t channel, pid_t pid)
{
	if (channel == WIRE_EXECUTOR ||
	    atomic_load(&s->link.state->role) == link_reader(channel))
		kill(pid, SIGKILL);
}

void roster_reaped(struct supervisor *s, pid_t pid, int status)
{
	for_each_channel(s, channel) {
		struct mailbox *box = box_of(s, channel);
		struct member *m = member_of(s, channel);

		if (!is_on(box) || atomic_load(&box->pid) != pid)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(s, channel, pid);
			continue;
		}
		how_it_died(s, channel, status, m->death_report, sizeof(m->death_report));
		reap_channel(s, channel);
		if (channel == WIRE_EXECUTOR)
			reap_unborn(s);
	}
	if (WIFSTOPPED(status))
		return;
	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&s->shared->jobs[i].keeper) == pid)
			job_orphaned(&s->shared->jobs[i]);
}

/* --- threads: their end is no child's --- */

struct watch {
	struct mailbox *box;
	int notify_fd;
};

static void *watch_thread(void *arg)
{
	struct watch w = *(struct watch *)arg;
	uint64_t one = 1;

	free(arg);
	while (!mailbox_thread_ended(w.box))
		futex_wait(&w.box->alive, atomic_load(&w.box->alive) & ~(uint32_t)FUTEX_OWNER_DIED);
	if (write(w.notify_fd, &one, sizeof(one)) < 0)
		_exit(1);	/* our own eventfd: cannot be */
	return NULL;
}

static void start_watch(struct supervisor *s, struct mailbox *box)
{
	struct watch *w = malloc(sizeof(*w));
	pthread_attr_t attr;
	pthread_t thread;

	if (!w)
		return;
	*w = (struct watch){ box, s->notify_fd };
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64u << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, watch_thread, w)) {
		dprintf(2, "provium agent: a thread worker's end will go unnoticed: no memory\n");
		free(w);
	}
	pthread_attr_destroy(&attr);
}

void roster_watch_threads(struct supervisor *s)
{
	for_each_channel(s, channel) {
		struct mailbox *box = box_of(s, channel);
		struct member *m = member_of(s, channel);

		if (!atomic_load(&box->thread) || !is_on(box))
			continue;
		if (mailbox_thread_ended(box)) {
			size_t n = (size_t)who(s, channel, m->death_report, sizeof(m->death_report));

			snprintf(m->death_report + n, sizeof(m->death_report) - n, " ended");
			reap_channel(s, channel);
		} else if (!m->watched) {
			m->watched = true;
			start_watch(s, box);
		}
	}
}

/* --- requests --- */

/* Whether the channel's executor can take it; if not, the runner has been told why. */
static bool can_take(struct supervisor *s, const struct wire_header *hdr)
{
	struct mailbox *box = hdr->channel <= CHANNELS ? box_of(s, hdr->channel) : NULL;
	uint32_t life = box ? atomic_load(&box->life) : LIFE_NONE;

	if (!box || (hdr->channel != WIRE_EXECUTOR && life != LIFE_ON && life != LIFE_OVER))
		send_fail(s, hdr, WIRE_REASON_BAD, "no such channel");
	else if (life == LIFE_ON && atomic_load(&box->busy) == BOX_BUSY)
		send_fail(s, hdr, WIRE_REASON_BUSY,
			  "the executor is still busy with an earlier call");
	else if (life != LIFE_ON && member_of(s, hdr->channel)->death_report[0])
		send_death_report(s, hdr);
	else if (life != LIFE_ON && roster_start_executor(s))
		send_fail(s, hdr, WIRE_REASON_GONE, "no executor: fork failed");
	else
		return true;
	return false;
}

void roster_post(struct supervisor *s, const struct wire_header *hdr,
	       const uint8_t *payload)
{
	struct mailbox *box;

	if (!can_take(s, hdr)) {
		race_forfeit(s->shared, hdr, payload);
		return;
	}
	box = box_of(s, hdr->channel);
	box->req = *hdr;
	memcpy(box->in, payload, hdr->len);
	atomic_store(&box->busy, BOX_BUSY);
	atomic_fetch_add(&box->posted, 1);
	atomic_fetch_add(&box->doorbell, 1);
	futex_wake(&box->doorbell);
	atomic_store(&s->shared->recent, hdr->channel);
}

/* --- ends that are asked for --- */

static void end_executor(struct mailbox *box)
{
	pid_t pid = atomic_load(&box->pid), tid = atomic_load(&box->tid);

	if (pid > 1 && atomic_load(&box->thread) && tid > 1)
		syscall(SYS_tgkill, pid, tid, THREAD_END_SIGNAL);
	else if (pid > 1)
		kill(pid, SIGKILL);
}

/* A kill is pending: it will not run again, whenever it wakes up. */
static void abandon(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = box_of(s, channel);
	struct member *m = member_of(s, channel);
	size_t n = (size_t)who(s, channel, m->death_report, sizeof(m->death_report));

	snprintf(m->death_report + n, sizeof(m->death_report) - n,
		 " was killed, but is stuck in the kernel");
	m->stuck = atomic_load(&box->thread);
	if (atomic_load(&box->pid) > 1)
		kill(atomic_load(&box->pid), SIGKILL);
	reap_channel(s, channel);
}

static void abort_all(struct supervisor *s)
{
	char ignored[64];

	for_each_channel(s, channel)
		roster_abort(s, channel, false, ignored, sizeof(ignored));
}

enum wire_aborted roster_abort(struct supervisor *s, uint32_t channel, bool give_up,
			     char *report, size_t cap)
{
	struct mailbox *box = channel >= 1 && channel <= CHANNELS ? box_of(s, channel) : NULL;
	pid_t command;

	if (channel == WIRE_SUPERVISOR)
		abort_all(s);
	if (!box || !is_on(box) || atomic_load(&box->busy) != BOX_BUSY)
		return WIRE_ABORTED_NOTHING;
	if (give_up) {
		abandon(s, channel);
		return WIRE_ABORTED_EXECUTOR;
	}
	command = atomic_load(&box->command);
	describe_task(command > 1 ? command : atomic_load(&box->tid), report, cap);
	if (command > 1)
		kill(-command, SIGKILL);
	else
		end_executor(box);
	return command > 1 ? WIRE_ABORTED_COMMAND : WIRE_ABORTED_EXECUTOR;
}

void roster_end_worker(struct supervisor *s, const struct wire_header *hdr, uint32_t channel)
{
	struct mailbox *box = channel > WIRE_EXECUTOR && channel <= CHANNELS ?
		box_of(s, channel) : NULL;

	if (!box || atomic_load(&box->life) == LIFE_NONE ||
	    atomic_load(&box->life) == LIFE_STARTING) {
		send_fail(s, hdr, WIRE_REASON_BAD, "no such worker");
		return;
	}
	member_of(s, channel)->end_request = *hdr;
	member_of(s, channel)->ending = true;
	if (is_on(box))
		end_executor(box);
	else
		answer_end_worker(s, channel);
}

void roster_kill_all(struct supervisor *s)
{
	for_each_channel(s, channel)
		if (is_on(box_of(s, channel)) && atomic_load(&box_of(s, channel)->pid) > 1)
			kill(atomic_load(&box_of(s, channel)->pid), SIGKILL);
	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&s->shared->jobs[i].pid) > 1 &&
		    atomic_load(&s->shared->jobs[i].keeper) > 1)
			kill(-atomic_load(&s->shared->jobs[i].pid), SIGKILL);
}
