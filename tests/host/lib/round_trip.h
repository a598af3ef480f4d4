/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One run of a scenario of tests/host/agent_killed.c: the requests of a round
 * trip, and their answers.
 */
#ifndef TESTS_HOST_LIB_ROUND_TRIP_H
#define TESTS_HOST_LIB_ROUND_TRIP_H

#include "tests/host/lib/agent_peer.h"

#define LATE_S 1.0			/* an answer after a kill should not take longer */
/*
 * The effect of a request that is counted: the agent queues this signal for
 * this process.
 */
#define EFFECT (SIGRTMIN + 2)

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
	unsigned int workers;		/* number of workers that the
					 * scenario needs */
	int victim;			/* -1: executor; else worker[victim] */
	unsigned int effects;		/* most effects that a request can have */
	bool meanwhile;			/* the supervisor gets a ping before the kill */
	void (*send)(struct run *r);
	bool threads;			/* workers are threads, also one that a
					 * request spawns */
	int signal;			/* ends the victim; 0: SIGKILL */
	bool listens;			/* the agent listens for connections */
	bool forks;			/* the victim makes children */
	bool reaps;			/* and reaps them before it replies */
	bool port;			/* the link is no socket */
};

/* The table of scenarios; the last one has no name. */
extern const struct scenario scenarios[];
/*
 * The first function makes the file that a scenario reads, the second removes
 * it.
 */
void scenarios_begin(void);
void scenarios_end(void);

/* Keeps the text as the run's fault, if it is the first. */
void fault(struct run *r, const char *text);
/* Sends a request of the given kind; its answer is collected later. */
void request(struct run *r, uint32_t channel, enum wire_kind kind, enum wire_op nr,
	     const void *req);
/*
 * Returns how many requests were carried out since the last call of this
 * function.
 */
unsigned int count_effects(void);
/*
 * Reads frames until the one with this tag (0: until all requests are
 * answered).
 */
bool collect(struct run *r, uint32_t tag);
/* Waits until the last request is answered, which may never happen. */
void await_answer(struct run *r, double limit_s);
bool ping(struct run *r);
void abort_call(struct run *r, uint32_t channel);
/* Calls getpid on a channel.  Returns the pid, or -1; -2: no answer arrived. */
int64_t pid_of(struct run *r, uint32_t channel);
/*
 * Checks that the next call works: at once, or after the death has been
 * reported.
 */
int64_t pid_soon(struct run *r);

#endif
