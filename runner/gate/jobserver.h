/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of GNU make's jobserver (GNU make manual, 13.1 "POSIX Jobserver
 * Interaction").  make starts each job with one job token.  A runner can borrow
 * more, and lend its own to make while it waits.
 *
 * An account records the borrowed and lent tokens.  It outlives the process, so
 * that another process can return the tokens of one that was killed.
 */
#ifndef RUNNER_GATE_JOBSERVER_H
#define RUNNER_GATE_JOBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#define JOBSERVER_MAX_TOKENS 256
#define JOBSERVER_RETURN_S 10.0		/* limit for getting the lent token back */

/* The account; in shared memory, or in a mapped file. */
struct jobserver_account {
	uint32_t nr_taken;
	uint32_t lent;			/* 1: our own token is lent to make */
	char taken[JOBSERVER_MAX_TOKENS];	/* the borrowed tokens: the
						 * bytes read from the pipe */
};

/*
 * Creates an account, shared with child processes.  If path is given, the
 * account is in that file, where another process can open it.  It is never
 * unmapped.  NULL with errno set.
 */
struct jobserver_account *jobserver_account_new(const char *path);
/* Opens the account of a process that was killed.  NULL with errno set. */
struct jobserver_account *jobserver_account_open(const char *path);

struct jobserver {
	int read_fd;			/* -1: no jobserver */
	int write_fd;
	unsigned int nr_jobs;		/* make's -jN; 0: unknown */
	struct jobserver_account *account;
};

/*
 * Finds the jobserver in makeflags (the value of MAKEFLAGS, or NULL), and makes
 * its descriptors close-on-exec.  Descriptors that are not FIFOs are not make's
 * (they were closed and reused); then there is no jobserver.  account: all
 * zeros for a new process.
 */
void jobserver_open(struct jobserver *j, const char *makeflags,
		    struct jobserver_account *account);
static inline bool jobserver_exists(const struct jobserver *j)
{
	return j->read_fd >= 0;
}

/*
 * Returns a number that is equal in all jobs of one make, and identifies its
 * jobserver.  0: no jobserver.
 */
uint64_t jobserver_name(const struct jobserver *j);

/*
 * Does makeflags contain -n, -q or -t? make runs recipe lines with "+" even
 * then.
 */
bool jobserver_dry_run(const char *makeflags);

/*
 * Returns the number of job tokens that this process has, make's own one for
 * this job included.
 */
unsigned int jobserver_tokens_held(const struct jobserver *j);
/* Returns or lends job tokens to make until n are left. */
void jobserver_give(struct jobserver *j, unsigned int n);
/*
 * Takes tokens until the process has n, without waiting.  Returns false, and
 * takes none, if not enough are free.
 */
bool jobserver_take(struct jobserver *j, unsigned int n);
/*
 * Makes this process have exactly the one token that make gave it: returns
 * borrowed tokens, or waits for the lent one.
 */
void jobserver_restore(struct jobserver *j, int64_t deadline_ns);

#endif
