// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ops job and job_wait: shell commands that run in the background.
 *
 * Each job has a keeper: a process that reads the job's output into shared
 * memory until the last writer has closed it, and waits for the shell.  So a
 * job outlives the executor that started it, and any executor can ask for its
 * state.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/executor/command.h"
#include "agent/executor/sibling.h"
#include "agent/ops/ops.h"
#include "agent/shared/futex.h"

static void set_state(struct job *job, enum job_state state)
{
	atomic_store(&job->state, state);
	futex_wake_all(&job->state);
}

#define READ_BYTES (64u << 10)		/* most bytes to read from a stream at a time */

/* --- the keeper: the process that reads a job's output --- */

/*
 * Reads once from the stream into the ring.  Returns false at the end of the
 * stream.
 */
static bool keep(struct kept *kept, int fd)
{
	uint64_t total = atomic_load(&kept->total);
	size_t at = total % JOB_KEPT_BYTES, room = JOB_KEPT_BYTES - at;
	ssize_t n;

	if (room > READ_BYTES)
		room = READ_BYTES;
	/* Tells readers which old bytes are about to be overwritten. */
	atomic_store(&kept->claimed, total + room);
	n = read(fd, kept->ring + at, room);
	if (n > 0)
		atomic_store(&kept->total, total + (uint64_t)n);
	atomic_store(&kept->claimed, atomic_load(&kept->total));
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void shell_ended(struct job *job, struct pollfd fds[3])
{
	int status = 0;

	/* The shell has ended, so the pipes contain all that it wrote. */
	for (int i = 0; i < 2; i++)
		for (struct pollfd p = fds[i];
		     p.fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & POLLIN;)
			if (!keep(&job->out[i], p.fd))
				break;
	waitpid(atomic_load(&job->pid), &status, 0);
	job->status = status;
	set_state(job, JOB_ENDED);
	close(fds[2].fd);
	fds[2].fd = -1;
}

/* Reads until both streams and the shell have ended. */
static void pump(struct job *job, struct pollfd fds[3])
{
	while (fds[0].fd >= 0 || fds[1].fd >= 0 || fds[2].fd >= 0) {
		if (poll(fds, 3, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || !fds[i].revents ||
			    keep(&job->out[i], fds[i].fd))
				continue;
			close(fds[i].fd);
			fds[i].fd = -1;
		}
		if (fds[2].fd >= 0 && fds[2].revents)
			shell_ended(job, fds);
	}
}

/*
 * Moves the keeper's descriptors to 3, 4, 5 and closes all others, which belong
 * to the test.
 */
static void keep_only(struct pollfd fds[3])
{
	for (int i = 0; i < 3; i++)
		fds[i].fd = fcntl(fds[i].fd, F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 3; i++)
		fds[i].fd = dup3(fds[i].fd, 3 + i, O_CLOEXEC);
	syscall(SYS_close_range, 6u, ~0u, 0u);
}

static int start_shell(struct executor *ex, struct job *job,
		       const struct wire_job_req *q, struct pollfd fds[3])
{
	int out[2], err[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct command command = {
		.cmd = &q->cmd, .cwd = &q->cwd, .env = &q->env, .group = &job->pid,
		.status_fd = -1,
	};
	pid_t pid;

	if (null < 0 || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return errno;
	memcpy(command.fds, (int[]){ null, out[1], err[1] }, sizeof(command.fds));
	pid = command_start(ex, &command);
	if (pid < 0)
		return ex->fail.err;
	fds[0] = (struct pollfd){ out[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ err[0], POLLIN, 0 };
	fds[2] = (struct pollfd){ (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 };
	if (fds[2].fd < 0)
		return errno;
	return 0;
}

static noreturn void keeper(struct executor *ex, struct job *job,
			    const struct wire_job_req *q)
{
	struct pollfd fds[3];
	int error;

	sibling_set_up(ex->shared);
	prctl(PR_SET_NAME, "job keeper");
	error = start_shell(ex, job, q, fds);
	if (error) {
		atomic_store(&job->error, error);
		set_state(job, JOB_ENDED);
		_exit(0);
	}
	set_state(job, JOB_RUNNING);
	keep_only(fds);
	pump(job, fds);
	_exit(0);
}

/* --- the ops job and job_wait --- */

static bool is_free(const struct job *job)
{
	uint32_t state = atomic_load(&job->state);

	return state == JOB_NONE || (state == JOB_ENDED && !atomic_load(&job->keeper));
}

/*
 * Takes a free entry of the table of jobs for a new job, or the entry of the
 * oldest job that has ended: several executors can do this at once.  NULL if
 * all jobs are running.
 */
static struct job *take_job(struct executor *ex)
{
	for (;;) {
		struct job *best = NULL;
		uint32_t nobody = 0;

		for (uint32_t i = 0; i < JOBS; i++) {
			struct job *job = &ex->shared->jobs[i];

			if (atomic_load(&job->starter) || !is_free(job))
				continue;
			if (!best || atomic_load(&job->id) < atomic_load(&best->id))
				best = job;
		}
		if (!best)
			return NULL;
		if (!atomic_compare_exchange_strong(&best->starter, &nobody, ex->channel))
			continue;
		if (is_free(best))
			return best;
		atomic_store(&best->starter, 0);
	}
}

static void job_reset(struct job *job, uint32_t id)
{
	atomic_store(&job->id, id);
	atomic_store(&job->state, JOB_STARTING);
	atomic_store(&job->pid, 0);
	atomic_store(&job->error, 0);
	for (int i = 0; i < 2; i++) {
		atomic_store(&job->out[i].claimed, 0);
		atomic_store(&job->out[i].total, 0);
		madvise(job->out[i].ring, JOB_KEPT_BYTES, MADV_REMOVE);
	}
}

int do_job(struct executor *ex, const struct wire_job_req *q, struct wire_job_rep *p)
{
	struct job *job = take_job(ex);
	long pid;

	if (!job)
		return executor_fail(ex, WIRE_REASON_ERRNO, EAGAIN,
				     "%u jobs are running, which is the most", JOBS);
	job_reset(job, atomic_fetch_add(&ex->shared->last_job, 1) + 1);
	pid = sibling_fork(&job->keeper);
	if (!pid)
		keeper(ex, job, q);
	if (pid < 0) {
		atomic_store(&job->state, JOB_NONE);
		atomic_store(&job->starter, 0);
		return executor_fail(ex, WIRE_REASON_ERRNO, (int)-pid, "fork");
	}
	while (atomic_load(&job->state) == JOB_STARTING)
		futex_wait(&job->state, JOB_STARTING);
	ex->started = true;
	if (atomic_load(&job->error))
		return executor_fail(ex, WIRE_REASON_ERRNO, atomic_load(&job->error),
				     "/bin/sh");
	p->id = atomic_load(&job->id);
	p->pid = atomic_load(&job->pid);
	return 0;
}

static void await_end(struct job *job, uint32_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (atomic_load(&job->state) == JOB_RUNNING)
		if (syscall(SYS_futex, &job->state, FUTEX_WAIT_BITSET, JOB_RUNNING,
			    &until, NULL, FUTEX_BITSET_MATCH_ANY) && errno == ETIMEDOUT)
			break;
}

/*
 * Copies the bytes from..end of the stream to dest, without a lock.  Meanwhile
 * the keeper can overwrite the first of them.  Returns the offset of the first
 * valid byte.
 */
static uint64_t copy_kept(const struct kept *kept, uint64_t from, uint64_t end,
			  uint8_t *dest)
{
	size_t at = from % JOB_KEPT_BYTES, n = end - from;
	size_t first = n < JOB_KEPT_BYTES - at ? n : JOB_KEPT_BYTES - at;
	uint64_t claimed;

	memcpy(dest, kept->ring + at, first);
	memcpy(dest + first, kept->ring, n - first);
	claimed = atomic_load(&kept->claimed);
	if (claimed < from + JOB_KEPT_BYTES)
		return from;
	return claimed - JOB_KEPT_BYTES < end ? claimed - JOB_KEPT_BYTES : end;
}

/*
 * Sends the bytes of a stream that the keeper has kept.  Returns how many bytes
 * at the stream's beginning are no longer kept, or -1: no memory.
 */
static int64_t send_kept(struct executor *ex, const struct kept *kept, uint32_t stream)
{
	uint64_t end = atomic_load(&kept->total);
	uint64_t from = end > JOB_KEPT_BYTES ? end - JOB_KEPT_BYTES : 0, good;
	size_t size = end - from + 1;
	uint8_t *copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return -1;
	good = copy_kept(kept, from, end, copy);
	for (uint64_t at = good; at < end; at += WIRE_PIECE)
		executor_data(ex, stream, copy + (at - from),
			      end - at < WIRE_PIECE ? end - at : WIRE_PIECE);
	munmap(copy, size);
	return (int64_t)good;
}

static struct job *find_job(struct shared *shared, uint32_t id)
{
	for (uint32_t i = 0; i < JOBS; i++)
		if (id && atomic_load(&shared->jobs[i].id) == id)
			return &shared->jobs[i];
	return NULL;
}

static int kill_group(struct executor *ex, struct job *job)
{
	pid_t pid = atomic_load(&job->pid);

	if (pid > 1 && kill(-pid, SIGKILL) && errno != ESRCH)
		return executor_fail(ex, WIRE_REASON_ERRNO, errno, "process group %d", pid);
	/*
	 * SIGKILL cannot be ignored, so the keeper will notice the shell's end.
	 */
	while (atomic_load(&job->state) == JOB_RUNNING)
		futex_wait(&job->state, JOB_RUNNING);
	return 0;
}

int do_job_wait(struct executor *ex, const struct wire_job_wait_req *q,
		struct wire_job_wait_rep *p)
{
	struct job *job = find_job(ex->shared, q->id);
	int64_t dropped[2];

	if (!job)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "there is no such job; the last %u that were started are remembered",
				     JOBS);
	if (q->kill && kill_group(ex, job))
		return -1;
	if (q->ms)
		await_end(job, q->ms);
	p->running = atomic_load(&job->state) == JOB_RUNNING;
	p->code = -1;
	if (!p->running && WIFSIGNALED(job->status)) {
		p->signal = WTERMSIG(job->status);
		p->code = 128 + p->signal;
	} else if (!p->running) {
		p->code = WEXITSTATUS(job->status);
	}
	for (uint32_t i = 0; i < 2; i++)
		dropped[i] = send_kept(ex, &job->out[i], i + 1);
	if (dropped[0] < 0 || dropped[1] < 0)
		return executor_fail(ex, WIRE_REASON_ERRNO, ENOMEM, "no memory to copy the job's output");
	p->dropped1 = (uint64_t)dropped[0];
	p->dropped2 = (uint64_t)dropped[1];
	return 0;
}
