/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GNU make's jobserver, as a runner needs it: slots, of which it has one from
 * the start (the one make runs it in) and can have more, or none for a while.
 * (GNU make manual, 13.1 "POSIX Jobserver Interaction".)
 *
 * What was borrowed and lent is in an account that outlives the process which
 * did it: jobserver_restore() puts it right, in whichever process is left.
 */
#ifndef RUNNER_GATE_JOBSERVER_H
#define RUNNER_GATE_JOBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#define JOBSERVER_MAX_TOKENS 256
#define JOBSERVER_RETURN_S 10.0		/* to get the lent slot back from make */

/* In shared memory, or in a file. */
struct jobserver_account {
	uint32_t nr_taken;
	uint32_t lent;			/* 1: our own slot is with make */
	char taken[JOBSERVER_MAX_TOKENS];	/* the bytes that were read */
};

/*
 * A new one, shared with children; with a path also with who comes after a
 * SIGKILL.  NULL with errno set.
 */
struct jobserver_account *jobserver_account_new(const char *path);
/* That of a process that was killed. */
struct jobserver_account *jobserver_account_open(const char *path);

struct jobserver {
	int read_fd;			/* -1: there is none */
	int write_fd;
	unsigned int nr_jobs;		/* make's -jN; 0: unknown */
	struct jobserver_account *account;
};

/*
 * Reads makeflags (the value of MAKEFLAGS, or NULL).  Descriptors that are no
 * FIFOs are not make's: then there is none.  They are not passed on to what we
 * execute.  account: see above, all zeros for a new one.
 */
void jobserver_open(struct jobserver *j, const char *makeflags,
		    struct jobserver_account *account);
static inline bool jobserver_exists(const struct jobserver *j)
{
	return j->read_fd >= 0;
}

/* The same for all who share the slots, never 0; 0 if there are none. */
uint64_t jobserver_name(const struct jobserver *j);

/* Was make told to do nothing (-n, -q, -t)?  It runs "+" recipes all the same. */
bool jobserver_dry_run(const char *makeflags);

unsigned int jobserver_tokens_held(const struct jobserver *j);
/* Gives slots back until n are left. */
void jobserver_give(struct jobserver *j, unsigned int n);
/* Takes slots until there are n, without waiting: all of them or none.  False: not now. */
bool jobserver_take(struct jobserver *j, unsigned int n);
/* One slot, as make gave it: gives back, or waits at most that long to take. */
void jobserver_restore(struct jobserver *j, int64_t deadline_ns);

#endif
