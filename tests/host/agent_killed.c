// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kills an executor of the agent, the victim, after k instructions of a round
 * trip, for one k after another.  The agent runs as a process of this machine,
 * and ptrace steps the victim.  After each kill the supervisor has to answer a
 * ping within LATE_S (on a busy machine within LIMIT_S), every request has to
 * have one answer, the next call has to work, and no request may have been
 * carried out twice.
 *
 * A victim goes one of two ways through a round trip: with the supervisor
 * running, which takes the reader's role while the victim is stepped, or with
 * the supervisor stopped until the kill, so that the victim keeps the role.
 *
 * Environment:
 *	KILL_STEPS=all		both ways, all steps that differ in what remains
 *				(tests/host/lib/remains.h), but of an
 *				instruction in a loop only the first VISITS
 *	KILL_STEPS=each		both ways, all steps
 *				(neither: a sample of the first way, denser at
 *				the start)
 *	KILL_SCENARIO=NAME	only the scenarios whose name contains NAME
 *	KILL_AT=K, KILL_AT=K-L	only that step, only the steps K to L - 1
 *	KILL_TRACE=1		with KILL_STEPS: print the address of each step
 *	KILL_SIGNAL=19		another signal: SIGSTOP stops the victim there
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/host/lib/round_trip.h"
#include "tests/host/lib/tap.h"
#include "tests/host/lib/victim.h"

#define MEANWHILE_S 0.07
#define STEPS_SAMPLED 3000		/* without KILL_STEPS, the sample ends at this step */
#define STEPS_MAX 200000
#define VISITS 40			/* kills at one address, at most */
#define ATTEMPTS 3			/* attempts to reach one step */

static unsigned long long last_ip;	/* address at which the last victim was */
static struct peer *agent;		/* of all runs, until one has a fault */

static bool spawn_workers(struct run *r, const struct scenario *sc)
{
	for (unsigned int i = 0; i < sc->workers; i++) {
		struct wire_spawn_req req = { .thread = sc->threads };
		struct wire_arena none = { 0 };
		struct wire_spawn_rep rep;

		send_op(r->p, WIRE_OP_spawn, &req);
		if (!collect(r, r->p->tag) || r->p->hdr.kind != WIRE_REPLY ||
		    wire_decode(&wire_desc_spawn_rep, &rep, r->p->payload, r->p->hdr.len, &none)) {
			fault(r, "cannot spawn a worker");
			return false;
		}
		r->channel[i] = rep.channel;
		r->worker[i] = sc->threads ? rep.tid : rep.pid;
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
 * The agent has one child, its executor.  A request that made another process
 * and was reported as failed must not leave that process; after a reply, the
 * process must be there, unless it has run to its end by then.  A thread ends
 * with its process.
 */
static void check_processes(struct run *r, const struct scenario *sc)
{
	unsigned int most = 1;

	if (!sc->forks || sc->workers)
		return;
	for (unsigned int i = 0; i < r->nr_requests; i++)
		most += r->requests[i].carried_out && !sc->reaps;
	if (!await_children(r->p->pid, most))
		fault(r, "a request was reported as failed, but its process runs on");
	if (!sc->threads && count_children(r->p->pid) < most)
		fault(r, "a request was carried out, but its process has ended");
}

/* --- the way of the victim: its steps in a round trip --- */

static struct moment way[STEPS_MAX];
static unsigned int way_steps;
static unsigned short visits[STEPS_MAX];	/* of a step's address, up to
						 * the step */
static bool frozen;			/* supervisor stopped until the kill */

static void count_visits(bool all)
{
	static unsigned int counts[1 << 20];	/* by address; two addresses
						 * may share a count */

	memset(counts, 0, sizeof(counts));
	for (unsigned int i = 0; i < way_steps; i++) {
		unsigned int *count = &counts[way[i].address % (sizeof(counts) / sizeof(*counts))];

		if (*count < VISITS + 1)
			*count += all || way[i].new;
		visits[i] = (unsigned short)*count;
	}
}

/* --- strikes: the victim is killed, or gets another signal --- */

static void end_agent(void)
{
	int status;

	if (!agent)
		return;
	signal_to(agent->pid, SIGKILL);
	peer_end(agent, &status);
	agent = NULL;
}

static void freeze_supervisor(void)
{
	siginfo_t info;

	signal_to(agent->pid, SIGSTOP);
	waitid(P_PID, (id_t)agent->pid, &info, WSTOPPED);
}

/* Brings the agent and the victim to the start of the round trip. */
static bool begin(struct run *r, const struct scenario *sc)
{
	/*
	 * A worker or job that an earlier run has left would change this
	 * victim's steps.
	 */
	if (sc->forks && !sc->workers)
		end_agent();
	if (!agent) {
		agent = sc->listens ? peer_listening() : sc->port ? peer_on_port() : peer_start();
		if (sc->listens)
			peer_connect(agent);
		peer_greet(agent);
	}
	*r = (struct run){ .p = agent };
	count_effects();
	r->executor = pid_soon(r);
	if (r->fault || !spawn_workers(r, sc))
		return false;
	r->executor = pid_soon(r);	/* the executor that was used last reads the link */
	r->victim = sc->victim < 0 ? r->executor : r->worker[sc->victim];
	if (r->fault || !victim_await_sleep((pid_t)r->executor, SYS_read) ||
	    (sc->victim >= 0 && !victim_await_sleep((pid_t)r->victim, SYS_futex)) ||
	    !victim_seize((pid_t)r->victim)) {
		fault(r, "the victim does not wait for a request, or cannot be traced");
		return false;
	}
	if (frozen)
		freeze_supervisor();
	sc->send(r);
	return true;
}

static void strike(struct run *r, const struct scenario *sc, int sig)
{
	if (sc->meanwhile && !frozen) {
		struct wire_blob blob = { str("meanwhile") };

		request(r, WIRE_SUPERVISOR, WIRE_REQUEST, WIRE_OP_ping, &blob);
		/*
		 * Waits long enough for the supervisor to take the role and to
		 * answer.
		 */
		await_answer(r, MEANWHILE_S);
	}
	victim_strike((pid_t)r->victim, sig);
	signal_to(agent->pid, SIGCONT);
	ping(r);
	/* A stopped worker lives on, so its call is aborted first. */
	if (sig == SIGSTOP && sc->victim >= 0)
		abort_call(r, r->channel[sc->victim]);
	collect(r, 0);
	if (!r->fault && pid_soon(r) > 0 && pid_soon(r) > 0)
		end_workers(r, sc);
	if (sig == SIGSTOP && r->victim > 1)
		kill((pid_t)r->victim, SIGKILL);
	check_effects(r, sc);
	check_processes(r, sc);
}

/*
 * Records the steps of the victim in a whole round trip, and strikes when the
 * victim sleeps after it.
 */
static void find_way(struct run *r, const struct scenario *sc, int sig, bool all)
{
	unsigned int channels = 1 + sc->workers + (sc->forks && !sc->workers);
	struct remains remains;

	way_steps = 0;
	if (!begin(r, sc))
		return;
	if (!remains_open(&remains, (pid_t)r->victim, channels))
		fault(r, "the agent's shared memory is not found");
	else
		way_steps = victim_trace((pid_t)r->victim, &remains, way, STEPS_MAX);
	remains_release(&remains);
	count_visits(all);
	strike(r, sc, sig);
	for (unsigned int i = 0; i < way_steps && getenv("KILL_TRACE"); i++)
		note("step %u: %#llx%s", i, way[i].address, way[i].new ? ", new" : "");
}

/*
 * Kills the victim at step k.  Returns false if the round trip has fewer steps.
 */
static bool run_once(struct run *r, const struct scenario *sc, unsigned int k, int sig)
{
	bool in_time;

	if (!begin(r, sc))
		return true;
	in_time = victim_step((pid_t)r->victim, k, &last_ip);
	strike(r, sc, sig);
	return in_time;
}

struct tally {
	unsigned int runs, faults, lates, first_fault;
	unsigned int points;		/* steps at which it is to be struck */
	unsigned int misses;		/* of these, those it did not reach */
	const char *first;		/* what the first fault was */
};

static void tally(struct tally *t, const struct scenario *sc, const struct run *r, unsigned int k)
{
	t->runs++;
	t->lates += r->late;
	if (!r->fault)
		return;
	if (!t->faults++) {
		t->first = r->fault;
		t->first_fault = k;
	}
	if (t->faults <= 8)
		note("%s, step %u, before %#llx: %s", sc->name, k, last_ip, r->fault);
	end_agent();
}

/*
 * Strikes at the recorded steps from `first` on, before `last`: at all of them,
 * or only at those that are new (see struct moment).  Each is attempted more
 * than once, because other processes can make the victim take other steps.
 */
static void strike_way(struct tally *t, const struct scenario *sc, int sig, bool all,
		       unsigned int first, unsigned int last)
{
	struct run r;

	find_way(&r, sc, sig, all);
	tally(t, sc, &r, way_steps);
	for (unsigned int k = first; k < last && k < way_steps; k++) {
		bool struck = false;

		if (visits[k] > VISITS || !(all || way[k].new))
			continue;
		for (int i = 0; i < ATTEMPTS && !struck; i++) {
			struck = run_once(&r, sc, k, sig) && last_ip == way[k].address;
			tally(t, sc, &r, k);
		}
		t->points++;
		t->misses += !struck;
	}
	ok(!t->faults, "%s%s: the victim is struck at %u of %u points, %u steps, %u faults",
	   sc->name, frozen ? ", supervisor stopped" : "", t->points - t->misses, t->points,
	   way_steps, t->faults);
}

static void strike_sample(struct tally *t, const struct scenario *sc, int sig)
{
	unsigned int misses = 0;	/* in a row */
	struct run r;

	for (unsigned int k = 0; k < STEPS_SAMPLED && misses < 3; k += 1 + k * 2 / 3) {
		misses = run_once(&r, sc, k, sig) ? 0 : misses + 1;
		tally(t, sc, &r, k);
	}
	ok(!t->faults, "%s: the victim is struck at %u steps, %u faults", sc->name,
	   t->runs - misses, t->faults);
}

static void note_tally(const struct tally *t)
{
	if (t->lates)
		note("answers took more than a second after %u of them", t->lates);
	if (t->faults)
		note("the first fault, at step %u: %s", t->first_fault, t->first);
	fflush(stdout);
}

static void run_scenario(const struct scenario *sc, int sig)
{
	const char *at = getenv("KILL_AT"), *steps = getenv("KILL_STEPS");
	unsigned int first = at ? (unsigned int)atoi(at) : 0, last = STEPS_MAX;
	/*
	 * The signal that ends a thread runs a handler in a process that goes
	 * on.  So the private memory remains, too, and every step counts.
	 */
	bool all = at || sc->signal || (steps && !strcmp(steps, "each"));

	if (sc->listens)
		end_agent();
	if (sc->signal)
		sig = sc->signal;
	if (at)
		last = strchr(at, '-') ? (unsigned int)atoi(strchr(at, '-') + 1) : first + 1;
	for (int i = 0; i < (at || steps ? 2 : 1); i++) {
		struct tally t = { 0 };

		frozen = i;
		if (at || steps)
			strike_way(&t, sc, sig, all, first, last);
		else
			strike_sample(&t, sc, sig);
		note_tally(&t);
	}
	frozen = false;
	if (sc->listens)
		end_agent();
}

int main(void)
{
	const char *only = getenv("KILL_SCENARIO"), *sig = getenv("KILL_SIGNAL");
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, EFFECT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	victim_init();
	scenarios_begin();
	for (const struct scenario *sc = scenarios; sc->name; sc++)
		if (!only || strstr(sc->name, only))
			run_scenario(sc, sig ? atoi(sig) : SIGKILL);
	scenarios_end();
	return done();
}
