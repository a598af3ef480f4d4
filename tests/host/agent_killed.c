// SPDX-License-Identifier: GPL-2.0-only
/*
 * An executor of the agent is killed after k instructions of a round trip, for
 * one k after another: the agent runs as a process of this machine, and ptrace
 * steps the victim.  After each kill the supervisor has to answer a ping within
 * LATE_S (on a busy machine within LIMIT_S), every request has to have one
 * answer, the next call has to work, and no request may have been carried out
 * twice.
 *
 * Environment:
 *	KILL_STEPS=all		every k; else a sample, denser at the start
 *	KILL_SCENARIO=NAME	only the scenarios whose name contains NAME
 *	KILL_AT=K, KILL_AT=K-L	only that step, only the steps K to L - 1
 *	KILL_TRACE=1		print the address of each step
 *	KILL_SIGNAL=19		another signal: SIGSTOP stops the victim there
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/deadline.h"
#include "tests/host/lib/agent_peer.h"
#include "tests/host/lib/tap.h"
#include "tests/host/lib/victim.h"

#define LATE_S 1.0			/* an answer after a kill should not take longer */
#define LIMIT_S 10.0			/* an agent that takes longer counts as hung */
#define MEANWHILE_S 0.07
#define STEPS_SAMPLED 3000		/* without KILL_STEPS, the sample ends at this step */
#define STEPS_MAX 200000
/* The effect of a request: the agent queues this signal for this process. */
#define EFFECT (SIGRTMIN + 2)
#define DATA_BYTES 100000

static char file_path[] = "/tmp/provium-killed-XXXXXX";

/* --- one run of a scenario --- */

struct request {
	uint32_t tag;
	bool answered;
	bool carried_out;		/* the answer says that the call was made */
	uint32_t answers;
	bool has_effect;
};

struct run {
	struct peer *p;
	int64_t executor;		/* pid of the VM's own executor */
	uint32_t channel[2];		/* channels of two workers, if the
					 * scenario has any */
	int32_t worker[2];
	int64_t victim;
	struct request requests[4];
	unsigned int nr_requests;
	bool late;			/* an answer took longer than LATE_S */
	const char *fault;		/* the fault that this run found; NULL: none */
};

struct scenario {
	const char *name;
	unsigned int workers;		/* number of process workers that the
					 * scenario needs */
	int victim;			/* -1: the executor; else the worker */
	unsigned int effects;		/* most effects that a request can have */
	bool meanwhile;			/* the supervisor gets a ping before the kill */
	void (*send)(struct run *r);
};

static void fault(struct run *r, const char *text)
{
	if (!r->fault)
		r->fault = text;
}

/* Sends a request of the given kind; its answer is collected later. */
static void request(struct run *r, uint32_t channel, enum wire_kind kind,
		    enum wire_op nr, const void *req)
{
	send_to(r->p, channel, kind, nr, req);
	r->requests[r->nr_requests++] = (struct request){
		.tag = r->p->tag, .has_effect = channel != WIRE_SUPERVISOR,
	};
}

/* Makes a call whose effect can be counted. */
static struct wire_syscall_req effect(void)
{
	return (struct wire_syscall_req){
		.nr = SYS_kill, .a0 = (uint64_t)getpid(), .a1 = (uint64_t)EFFECT,
	};
}

static unsigned int count_effects(void)
{
	static const struct timespec now;
	unsigned int n = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, EFFECT);
	while (sigtimedwait(&set, NULL, &now) == EFFECT)
		n++;
	return n;
}

/* --- answers --- */

static void note_answer(struct run *r)
{
	const struct wire_header *hdr = &r->p->hdr;

	if (hdr->kind != WIRE_REPLY && hdr->kind != WIRE_FAIL)
		return;
	for (unsigned int i = 0; i < r->nr_requests; i++) {
		struct request *q = &r->requests[i];

		if (q->tag != hdr->tag)
			continue;
		if (!q->answers++) {
			q->answered = true;
			q->carried_out = hdr->kind == WIRE_REPLY;
		}
	}
}

static bool all_answered(const struct run *r)
{
	for (unsigned int i = 0; i < r->nr_requests; i++)
		if (!r->requests[i].answered)
			return false;
	return true;
}

/*
 * Reads frames until the one with this tag (0: until all requests are
 * answered).
 */
static bool collect(struct run *r, uint32_t tag)
{
	int64_t deadline = deadline_in(LIMIT_S), late = deadline_in(LATE_S);

	while (tag || !all_answered(r)) {
		int ret = next_frame_until(r->p, deadline);

		if (ret) {
			fault(r, ret == -EPIPE ? "the link was dropped" :
			      ret == -EBADMSG ? "a malformed frame came" :
			      tag ? "no answer to a ping or call afterwards" :
			      "a request has no answer");
			return false;
		}
		note_answer(r);
		r->late |= clock_ns() > late;
		if (tag && r->p->hdr.tag == tag &&
		    (r->p->hdr.kind == WIRE_REPLY || r->p->hdr.kind == WIRE_FAIL))
			return true;
	}
	return true;
}

/* Waits until the last request is answered, which may never happen. */
static void await_answer(struct run *r, double limit_s)
{
	int64_t deadline = deadline_in(limit_s);

	while (!r->requests[r->nr_requests - 1].answered &&
	       !next_frame_until(r->p, deadline))
		note_answer(r);
}

static bool ping(struct run *r)
{
	struct wire_blob blob = { str("ping") };

	send_op(r->p, WIRE_OP_ping, &blob);
	return collect(r, r->p->tag);
}

static void abort_call(struct run *r, uint32_t channel)
{
	struct wire_abort_req req = { .channel = channel };

	send_op(r->p, WIRE_OP_abort, &req);
	collect(r, r->p->tag);
}

/* Calls getpid on a channel.  Returns the pid, or -1; -2: no answer arrived. */
static int64_t pid_of(struct run *r, uint32_t channel)
{
	struct wire_syscall_req req = { .nr = SYS_getpid };
	struct wire_syscall_rep rep;
	struct wire_arena none = { 0 };

	send_to(r->p, channel, WIRE_REQUEST, WIRE_OP_syscall, &req);
	if (!collect(r, r->p->tag))
		return -2;
	return r->p->hdr.kind == WIRE_REPLY &&
	       !wire_decode(&wire_desc_syscall_rep, &rep, r->p->payload, r->p->hdr.len,
			    &none) ? rep.ret : -1;
}

/*
 * Checks that the next call works: at once, or after the death has been
 * reported.
 */
static int64_t pid_soon(struct run *r)
{
	int64_t pid = -1;

	for (int i = 0; i < 4 && pid == -1; i++)
		pid = pid_of(r, WIRE_EXECUTOR);
	if (pid == -1)
		fault(r, "the next calls do not work");
	return pid;
}

/* --- scenarios --- */

static void send_plain(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_buffers(struct run *r)
{
	static siginfo_t info;
	struct wire_seg segs[] = {
		{ .arg = 2, .parent = -1, .len = sizeof(info), .out = 1,
		  .data = { &info, sizeof(info) } },
		{ .arg = 3, .parent = -1, .len = 30000, .out = 1 },
	};
	struct wire_syscall_req req = {
		.nr = SYS_rt_sigqueueinfo, .a0 = (uint64_t)getpid(),
		.a1 = (uint64_t)EFFECT, .segs = { segs, 2 },
	};

	info.si_code = SI_QUEUE;
	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_stream(struct run *r)
{
	struct wire_path_req req = { str(file_path) };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_read, &req);
}

static void send_pass(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, r->channel[0], WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void send_async(struct run *r)
{
	struct wire_syscall_req req = effect();

	request(r, WIRE_EXECUTOR, WIRE_ASYNC, WIRE_OP_syscall, &req);
	request(r, r->channel[0], WIRE_REQUEST, WIRE_OP_syscall, &req);
}

static void batch(struct run *r, uint32_t channel, struct wire_batch_req req)
{
	struct wire_syscall_req one = effect();
	static uint8_t raw[128];
	struct wire_item items[3] = {
		{ WIRE_OP_syscall, { raw, 0 } }, { WIRE_OP_syscall, { raw, 0 } },
		{ WIRE_OP_syscall, { raw, 0 } },
	};

	for (int i = 0; i < 3; i++)
		items[i].payload.len = (uint32_t)wire_encode(&wire_desc_syscall_req, &one,
							     raw, sizeof(raw));
	req.calls = (struct wire_list){ items, 3 };
	request(r, channel, req.race ? WIRE_ASYNC : WIRE_REQUEST, WIRE_OP_batch, &req);
}

static void send_batch(struct run *r)
{
	batch(r, WIRE_EXECUTOR, (struct wire_batch_req){ .rounds = 1 });
}

static void send_race(struct run *r)
{
	static uint32_t race;

	race++;
	batch(r, r->channel[0], (struct wire_batch_req){
	      .rounds = 1, .race = race, .holder = r->channel[0], .side = 0 });
	batch(r, r->channel[1], (struct wire_batch_req){
	      .rounds = 1, .race = race, .holder = r->channel[0], .side = 1 });
}

static void send_spawn(struct run *r)
{
	struct wire_spawn_req req = { .thread = 0 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_spawn, &req);
}

static void send_thread(struct run *r)
{
	struct wire_spawn_req req = { .thread = 1 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_spawn, &req);
}

static void send_job(struct run *r)
{
	struct wire_job_req req = { .cmd = str("true") };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_job, &req);
}

static void send_command(struct run *r)
{
	struct wire_exec_req req = { .cmd = str("echo x"), .limit = 100 };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_exec, &req);
}

/*
 * Sends the last byte of the request alone; `last` is what the receive buffer
 * had there before.
 */
static void send_last_byte(struct run *r, uint8_t last)
{
	char text[2] = { (char)last, 0 };
	struct wire_blob req = { { text, 1 } };

	request(r, WIRE_EXECUTOR, WIRE_REQUEST, WIRE_OP_echo, &req);
}

static void send_pattern(struct run *r)
{
	send_last_byte(r, (uint8_t)(0x5b + 37 * 20));
}

static void send_zero(struct run *r)
{
	send_last_byte(r, 0);
}

static const struct scenario scenarios[] = {
	{ "plain call", 0, -1, 1, false, send_plain },
	{ "plain call and ping", 0, -1, 1, true, send_plain },
	{ "call with buffers", 0, -1, 1, false, send_buffers },
	{ "streamed reply", 0, -1, 0, false, send_stream },
	{ "streamed reply and ping", 0, -1, 0, true, send_stream },
	{ "pass to a worker, executor killed", 1, -1, 1, false, send_pass },
	{ "pass to a worker, worker killed", 1, 0, 1, false, send_pass },
	{ "asynchronous call, executor killed", 1, -1, 1, false, send_async },
	{ "asynchronous call, worker killed", 1, 0, 1, false, send_async },
	{ "batch", 0, -1, 3, false, send_batch },
	{ "race, first side killed", 2, 0, 3, false, send_race },
	{ "race, second side killed", 2, 1, 3, false, send_race },
	{ "spawn of a process", 0, -1, 0, false, send_spawn },
	{ "spawn of a thread", 0, -1, 0, false, send_thread },
	{ "job", 0, -1, 0, false, send_job },
	{ "command", 0, -1, 0, false, send_command },
	{ "last byte 0x3f", 0, -1, 0, false, send_pattern },
	{ "last byte 0", 0, -1, 0, false, send_zero },
};

/* --- running them --- */

static unsigned long long last_ip;	/* address at which the last victim was */
static struct peer *agent;		/* kept until a run finds a fault */

static bool spawn_workers(struct run *r, const struct scenario *sc)
{
	for (unsigned int i = 0; i < sc->workers; i++) {
		struct wire_spawn_req req = { .thread = 0 };
		struct wire_arena none = { 0 };
		struct wire_spawn_rep rep;

		send_op(r->p, WIRE_OP_spawn, &req);
		if (!collect(r, r->p->tag) || r->p->hdr.kind != WIRE_REPLY ||
		    wire_decode(&wire_desc_spawn_rep, &rep, r->p->payload, r->p->hdr.len, &none)) {
			fault(r, "cannot spawn a worker");
			return false;
		}
		r->channel[i] = rep.channel;
		r->worker[i] = rep.pid;
		if (pid_of(r, rep.channel) != rep.pid)
			fault(r, "a new worker does not answer");
	}
	return !r->fault;
}

static void end_workers(struct run *r, const struct scenario *sc)
{
	for (unsigned int i = 0; i < sc->workers; i++) {
		struct wire_channel_req req = { r->channel[i] };

		send_op(r->p, WIRE_OP_end_worker, &req);
		if (!collect(r, r->p->tag))
			return;
	}
}

static void check_effects(struct run *r, const struct scenario *sc)
{
	unsigned int n = count_effects(), least = 0, most = 0;

	for (unsigned int i = 0; i < r->nr_requests; i++) {
		if (!r->requests[i].has_effect)
			continue;
		most += sc->effects;
		least += r->requests[i].carried_out ? sc->effects : 0;
		if (r->requests[i].answers > 2)
			fault(r, "a request has three answers");
	}
	if (n > most)
		fault(r, "a request was carried out twice");
	if (n < least && sc->effects == 1)
		fault(r, "a request was answered, but not carried out");
}

/*
 * Kills the victim at step k.  Returns 1; 0 if the round trip has fewer steps.
 */
static int run_once(struct run *r, const struct scenario *sc, unsigned int k, int sig)
{
	bool in_time;

	*r = (struct run){ .p = agent };
	count_effects();
	r->executor = pid_soon(r);
	if (r->fault || !spawn_workers(r, sc))
		return 1;
	r->executor = pid_soon(r);	/* the executor that was used last reads the link */
	r->victim = sc->victim < 0 ? r->executor : r->worker[sc->victim];
	if (r->fault || !victim_seize((pid_t)r->victim)) {
		fault(r, "cannot trace the victim");
		return 1;
	}
	sc->send(r);
	in_time = victim_step((pid_t)r->victim, k, getenv("KILL_TRACE"), &last_ip);
	if (sc->meanwhile) {
		struct wire_blob blob = { str("meanwhile") };

		request(r, WIRE_SUPERVISOR, WIRE_REQUEST, WIRE_OP_ping, &blob);
		/*
		 * Waits long enough for the supervisor to take the role and to
		 * answer.
		 */
		await_answer(r, MEANWHILE_S);
	}
	victim_strike((pid_t)r->victim, sig);
	ping(r);
	/* A stopped worker is not killed; so its call is aborted first. */
	if (sig != SIGKILL && sc->victim >= 0)
		abort_call(r, r->channel[sc->victim]);
	collect(r, 0);
	if (!r->fault && pid_soon(r) > 0 && pid_soon(r) > 0)
		end_workers(r, sc);
	if (sig != SIGKILL && r->victim > 1)
		kill((pid_t)r->victim, SIGKILL);
	check_effects(r, sc);
	return in_time;
}

static void run_scenario(const struct scenario *sc, int sig)
{
	const char *at = getenv("KILL_AT"), *steps = getenv("KILL_STEPS");
	unsigned int stride = steps && !strcmp(steps, "all") ? 1 : 0, k;
	unsigned int runs = 0, faults = 0, lates = 0, misses = 0;
	unsigned int first_fault = 0, last = STEPS_MAX;
	const char *first = "";
	struct run r;

	if (at && strchr(at, '-'))
		last = (unsigned int)atoi(strchr(at, '-') + 1);
	else if (at)
		last = (unsigned int)atoi(at) + 1;
	if (at)
		stride = 1;
	else if (!stride)
		last = STEPS_SAMPLED;
	for (k = at ? (unsigned int)atoi(at) : 0; k < last; k += stride ? stride : 1) {
		if (!agent)
			agent = peer_greeted();
		runs++;
		bool struck = run_once(&r, sc, k, sig);

		lates += r.late;

		if (r.fault) {
			int status;

			if (!faults++) {
				first = r.fault;
				first_fault = k;
			}
			if (faults <= 8)
				note("%s, step %u, before %#llx: %s", sc->name, k, last_ip, r.fault);

			signal_to(agent->pid, SIGKILL);
			peer_end(agent, &status);
			agent = NULL;
		}
		misses = struck ? 0 : misses + 1;
		if (misses > 2 && !at)
			break;
		if (!stride)
			k += k * 2 / 3;
	}
	ok(!faults, "%s: the victim is struck at %u instructions, %u faults", sc->name, runs, faults);
	if (lates)
		note("answers took more than a second after %u of them", lates);
	if (faults)
		note("the first fault, at step %u: %s", first_fault, first);
}

int main(void)
{
	const char *only = getenv("KILL_SCENARIO"), *sig = getenv("KILL_SIGNAL");
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, EFFECT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	victim_init();
	fd = mkstemp(file_path);
	if (fd < 0 || ftruncate(fd, DATA_BYTES))
		return 1;
	close(fd);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (!only || strstr(scenarios[i].name, only))
			run_scenario(&scenarios[i], sig ? atoi(sig) : SIGKILL);
	unlink(file_path);
	return done();
}
