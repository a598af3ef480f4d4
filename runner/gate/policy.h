/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which request in the ledger is granted next.  Pure functions of the rows and
 * the budget.
 */
#ifndef RUNNER_GATE_POLICY_H
#define RUNNER_GATE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/gate/ledger.h"

/* An amount of memory and processors. */
struct room {
	uint64_t memory;		/* bytes */
	uint64_t cpus;			/* UINT64_MAX: no limit */
};

/* The sum of what all rows hold. */
struct room policy_held(const struct ledger_rows *rows);
/* Is a served before b?  A holder goes first, else the earlier request. */
bool policy_before(const struct ledger_row *a, const struct ledger_row *b);
/*
 * Does the row's request fit into the budget, beside all that is held and the
 * requests that are served before it?
 */
bool policy_fits(const struct ledger_rows *rows, const struct ledger_row *row,
		 const struct room *budget);
/*
 * In a deadlock each holder waits for more, or for a process that does, and no
 * request fits.  Is there a deadlock, and is the row the latest of the requests
 * in it?  Then that one has to be refused.
 */
bool policy_is_victim(const struct ledger_rows *rows, const struct ledger_row *row,
		      const struct room *budget);
/*
 * A runner that has VMs and needs several more job tokens would wait for ever
 * beside runners that come and go, because at -j2 two tokens are never free at
 * the same time.  So while such a runner waits, no runner starts a first VM,
 * and the one that has waited longest keeps the token it has.  Returns that
 * one's row, or NULL.  make: jobserver_name(); 0: there is no jobserver.
 */
const struct ledger_row *policy_first_starved(const struct ledger_rows *rows,
					      uint64_t make);

#endif
