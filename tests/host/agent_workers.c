// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes of an agent that runs as a process of this machine: executors that
 * die, workers, jobs, aborted calls, and what is left when the agent ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/shared/shared.h"
#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"

/* The number of the system call comes first in /proc/PID/syscall. */
#define PAUSE_SYSCALL "syscall: 34 "

/* Did the last answer report a death, with these words? */
static bool told(struct peer *p, const char *words)
{
	struct wire_fail fail = failure(p);

	note("%.*s", (int)fail.text.len, (const char *)fail.text.p);
	return fail.reason == WIRE_REASON_GONE && text_has(&fail.text, words) &&
	       text_has(&fail.text, "descriptors are gone");
}

static void deaths(struct peer *p)
{
	struct wire_syscall_req req = { .nr = SYS_exit_group, .a0 = 3 };
	struct wire_syscall_rep rep;
	int64_t pid = getpid_by(p);

	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "exited with status 3"),
	   "exit_group fails with the executor's exit status");
	ok(getpid_by(p) > 0 && getpid_by(p) != pid, "a call after an executor's end has a new executor");
	pid = getpid_by(p);
	req = (struct wire_syscall_req){
		.nr = SYS_tgkill, .a0 = (uint64_t)pid, .a1 = (uint64_t)pid,
		.a2 = SIGSEGV,	/* tgkill refuses pids that are not positive */
	};
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "signal 11"), "an executor's SIGSEGV fails the call with the signal");
	/*
	 * Kills the executor from outside, between two calls, while it reads
	 * the link.
	 */
	pid = getpid_by(p);
	signal_to(pid, SIGKILL);
	await_end(pid);
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "before this"),
	   "a kill between two calls fails the next call");
	req = (struct wire_syscall_req){
		.nr = SYS_close_range, .a0 = 3, .a1 = ~0u,
	};
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && told(p, "were closed"),
	   "close_range of the agent's descriptors fails the call");
	pid = getpid_by(p);
	signal_to(pid, SIGSTOP);
	ok(!call(p, WIRE_OP_syscall, &req, &rep) && failure(p).reason == WIRE_REASON_GONE,
	   "a call to a stopped executor fails instead of hanging");
	ok(getpid_by(p) > 0, "a call after a stopped executor works");
}

/*
 * Kills the executor at random moments, during calls and between them.  Each
 * reply must still belong to its request.
 */
static void random_kills(struct peer *p, int rounds)
{
	struct wire_blob blob = { str("abcdefgh") }, rep;
	unsigned int state = 42, gone = 0, replies = 0, other = 0;

	for (int i = 0; i < rounds; i++) {
		int64_t pid = getpid_by(p);
		struct timespec ts = { 0, 0 };

		state = state * 1103515245 + 12345;
		ts.tv_nsec = state % 60000;
		send_op(p, WIRE_OP_echo, &blob);
		/*
		 * Waits a moment.  This does not synchronise anything; any
		 * duration works.
		 */
		ppoll(NULL, 0, &ts, NULL);
		signal_to(pid, SIGKILL);
		if (answer(p)) {
			other++;
			break;
		}
		if (p->hdr.kind == WIRE_REPLY)
			replies++;	/* the reply was faster than the kill */
		else if (failure(p).reason == WIRE_REASON_GONE)
			gone++;
		else
			other++;
	}
	ok(!other, "%d kills at random moments: %u replies, %u reported deaths, nothing else",
	   rounds, replies, gone);
	/*
	 * This answer may report the death of the executor that was killed
	 * last.
	 */
	call(p, WIRE_OP_echo, &blob, &rep);
	ok(call(p, WIRE_OP_echo, &blob, &rep) && rep.data.len == 8,
	   "after random kills replies match their requests");
}

static void worker(struct peer *p, bool thread)
{
	const char *kind = thread ? "thread" : "process";
	struct wire_spawn_req req = { .thread = thread };
	struct wire_syscall_req exit_req = { .nr = SYS_exit, .a0 = 0 };
	struct wire_syscall_rep exit_rep;
	struct wire_channel_req whom;
	struct wire_spawn_rep rep;
	struct wire_nothing none;
	int64_t pid = getpid_by(p);

	ok(call(p, WIRE_OP_spawn, &req, &rep) && rep.channel > WIRE_EXECUTOR &&
	   (rep.pid == pid) == thread && rep.tid != pid, "spawn makes a %s worker", kind);
	p->executor = whom.channel = rep.channel;
	ok(ask(p, SYS_gettid) == rep.tid && ask(p, SYS_getpid) == rep.pid,
	   "a %s worker executes the calls on its channel", kind);
	ok(!call(p, WIRE_OP_spawn, &req, &rep) && failure(p).reason == WIRE_REASON_BAD,
	   "spawn on a %s worker is refused", kind);
	ok(!call(p, WIRE_OP_syscall, &exit_req, &exit_rep) &&
	   failure(p).reason == WIRE_REASON_GONE, "a %s worker's exit fails the call", kind);
	ok(ask(p, SYS_getpid) == -1 && failure(p).reason == WIRE_REASON_GONE,
	   "a call to an ended %s worker fails: it is not replaced", kind);
	p->executor = WIRE_EXECUTOR;
	ok(getpid_by(p) == pid, "the executor survives a %s worker's end", kind);
	ok(call(p, WIRE_OP_end_worker, &whom, &none), "a %s worker can be dismissed after its end", kind);
	ok(!call(p, WIRE_OP_end_worker, &whom, &none) &&
	   failure(p).reason == WIRE_REASON_BAD, "a %s worker cannot be dismissed twice", kind);
	ok(call(p, WIRE_OP_spawn, &req, &rep), "spawn makes another %s worker", kind);
	whom.channel = rep.channel;
	ok(call(p, WIRE_OP_end_worker, &whom, &none), "a %s worker can be dismissed alive", kind);
	ok(thread ? syscall(SYS_tgkill, rep.pid, rep.tid, 0) && errno == ESRCH :
	   await_end(rep.pid), "a dismissed %s worker is gone", kind);
}

static void many_threads(struct peer *p, int rounds)
{
	struct wire_spawn_req req = { .thread = 1 };
	int64_t pid = getpid_by(p);
	int bad = 0;

	for (int i = 0; i < rounds; i++) {
		struct wire_spawn_rep rep;
		struct wire_channel_req whom;
		struct wire_nothing none;

		bad += !call(p, WIRE_OP_spawn, &req, &rep);
		whom.channel = p->executor = rep.channel;
		bad += ask(p, SYS_gettid) != rep.tid;
		p->executor = WIRE_EXECUTOR;
		bad += !call(p, WIRE_OP_end_worker, &whom, &none);
	}
	ok(!bad && getpid_by(p) == pid, "%d thread workers, one after the other, all work", rounds);
}

static void jobs(struct peer *p)
{
	struct wire_job_req req = { .cmd = str("echo out; echo err >&2; sleep 0.1; exit 5") };
	struct wire_job_wait_req wait = { .ms = 20000 };
	struct wire_job_wait_rep rep;
	struct wire_job_rep job;

	ok(call(p, WIRE_OP_job, &req, &job) && job.pid > 1, "a job starts");
	wait.id = job.id;
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && !rep.running && rep.code == 5 &&
	   !strcmp(buf_str(&p->data), "out\nerr\n"), "job_wait returns a job's exit status and output");
	req.cmd = str("sleep 1000");
	ok(call(p, WIRE_OP_job, &req, &job), "a long job starts");
	wait = (struct wire_job_wait_req){ .id = job.id };
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && rep.running && rep.code == -1, "job_wait without a timeout reports a running job");
	wait.kill = 1;
	ok(call(p, WIRE_OP_job_wait, &wait, &rep) && !rep.running && rep.signal == SIGKILL,
	   "job_wait can kill a job");
	wait.id = 12345;
	ok(!call(p, WIRE_OP_job_wait, &wait, &rep), "job_wait for an unknown job fails");
	req.cwd = str("/no/such");
	ok(!call(p, WIRE_OP_job, &req, &job) && failure(p).err == ENOENT, "a job with a cwd that does not exist fails: ENOENT");
}

/*
 * Checks for whole lines, each with a number one higher than the line before.
 */
static bool counts_up(const char *s)
{
	unsigned long last = 0, n;
	char *end;

	for (s = strchr(s, '\n'); s && s[1]; s = strchr(s + 1, '\n')) {
		n = strtoul(s + 1, &end, 10);
		if (*end != '\n')
			return !*end;	/* the last line may be cut off */
		if (last && n != last + 1)
			return false;
		last = n;
	}
	return true;
}

/*
 * Reads a job's output while the job writes faster than it is read: bytes that
 * were overwritten meanwhile must not appear.
 */
static void flood(struct peer *p)
{
	struct wire_job_req req = { .cmd = str("seq 1 20000000") };
	struct wire_job_wait_req wait = { 0 };
	struct wire_job_wait_rep rep = { .running = 1 };
	struct wire_job_rep job;
	int asked = 0, torn = 0;

	call(p, WIRE_OP_job, &req, &job);
	wait.id = job.id;
	for (; rep.running; asked++) {
		if (!call(p, WIRE_OP_job_wait, &wait, &rep))
			break;
		torn += !counts_up(buf_str(&p->data));
	}
	ok(!rep.running && !torn && rep.dropped1 > JOB_KEPT_BYTES,
	   "a job that floods its output: read %d times, %d torn reads", asked, torn);
}

static void aborts(struct peer *p)
{
	struct wire_syscall_req pause_req = { .nr = SYS_pause };
	struct wire_abort_req req = { .channel = WIRE_EXECUTOR };
	struct wire_abort_rep rep;
	struct wire_arena none = { 0 };
	uint32_t first;

	send_op(p, WIRE_OP_syscall, &pause_req);
	first = p->tag;
	send_op(p, WIRE_OP_echo, &(struct wire_blob){ str("x") });
	ok(!answer(p) && failure(p).reason == WIRE_REASON_BUSY,
	   "a second call on a busy channel is refused");
	send_op(p, WIRE_OP_abort, &req);
	ok(!answer(p) && p->hdr.kind == WIRE_REPLY &&
	   !wire_decode(&wire_desc_abort_rep, &rep, p->payload, p->hdr.len, &none) &&
	   rep.aborted == WIRE_ABORTED_EXECUTOR && text_has(&rep.report, PAUSE_SYSCALL),
	   "abort reports the system call it interrupted");
	p->tag = first;
	ok(!answer(p) && failure(p).reason == WIRE_REASON_GONE, "an aborted call fails");
	p->tag = first + 10;
	ok(call(p, WIRE_OP_abort, &req, &rep) && rep.aborted == WIRE_ABORTED_NOTHING,
	   "abort without a running call aborts nothing");
}

static void nothing_left(void)
{
	struct peer *p = peer_greeted();
	struct wire_job_req req = { .cmd = str("sleep 1000") };
	struct wire_spawn_req spawn = { .thread = 0 };
	struct wire_spawn_rep worker_rep;
	int64_t first = getpid_by(p);
	struct wire_job_rep job;
	int status;

	ok(call(p, WIRE_OP_job, &req, &job) && call(p, WIRE_OP_spawn, &spawn, &worker_rep),
	   "an agent has a worker and a job");

	ok(peer_end(p, &status) && WIFEXITED(status) && !WEXITSTATUS(status),
	   "hanging up ends the agent with status 0");
	ok(await_end(first) && await_end(worker_rep.pid) && await_end(job.pid),
	   "hanging up ends the executor, the worker and the job");
}

int main(void)
{
	struct peer *p;
	int status;

	alarm(120);
	signal(SIGPIPE, SIG_IGN);
	p = peer_greeted();
	deaths(p);
	random_kills(p, 300);
	worker(p, false);
	worker(p, true);
	many_threads(p, 300);
	jobs(p);
	flood(p);
	aborts(p);
	peer_end(p, &status);
	nothing_left();
	return done();
}
