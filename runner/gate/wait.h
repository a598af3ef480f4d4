/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One process's row in the ledger, and waiting until its requests are granted.
 */
#ifndef RUNNER_GATE_WAIT_H
#define RUNNER_GATE_WAIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "runner/gate/jobserver.h"
#include "runner/gate/ledger.h"
#include "runner/gate/policy.h"

struct wait {
	struct ledger ledger;
	pid_t owner;			/* the process that opened the ledger */
	struct ledger_row row;		/* our own row, as written to the ledger */
	struct ledger_rows rows;	/* all rows, as they were read last */
	struct jobserver jobs;
	unsigned int nr_running;	/* number of VMs that need a job token each */
	struct room limit;		/* the user's limits; 0: no limit */
	void (*on_wait)(bool waits);	/* or NULL */
	bool wait_told;			/* on_wait(true) was sent; on_wait(false) is due */
};

/*
 * Opens the ledger, unless this process has opened it already. (A process that
 * was forked from the owner opens it again, because it needs its own locks.)
 * w->jobs must be open.  0 or -errno with err filled.
 */
int wait_open(struct wait *w, struct err *err);
/*
 * Returns how many job tokens that number of running VMs needs: at least 1, at
 * most make's -jN.
 */
unsigned int wait_tokens_needed(const struct wait *w, unsigned int nr_running);
/*
 * Adds memory (bytes) and cpus to this process's reservation, and waits until
 * the policy allows it.  one_more: also takes a job token for one more running
 * VM.  The ledger must be open.  waited: seconds.  0, or -errno as
 * gate_enter().
 */
int wait_for(struct wait *w, uint64_t memory, unsigned int cpus, bool one_more,
	     double *waited, struct err *err);

#endif
