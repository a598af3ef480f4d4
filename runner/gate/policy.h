/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decides which request in the ledger is granted next.  All functions are pure:
 * they depend only on the rows and the budget.
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

/* Returns the sum of the reservations of all rows of the ledger. */
struct room policy_held(const struct ledger_rows *rows);
/*
 * Is the request of the process in row a of the ledger served before that of
 * the process in row b? A process with a reservation goes first, otherwise the
 * earlier request.
 */
bool policy_before(const struct ledger_row *a, const struct ledger_row *b);
/*
 * Does the request of a row, which is a process in the ledger, fit into the
 * budget together with all reservations and the requests that are served before
 * it?
 */
bool policy_fits(const struct ledger_rows *rows, const struct ledger_row *row,
		 const struct room *budget);
/*
 * Must the request of this row, which is a process in the ledger, be refused to
 * end a deadlock? In a deadlock each process with a reservation waits for more,
 * or for a process that does, and no request fits.  The latest of the waiting
 * requests is refused.
 */
bool policy_is_victim(const struct ledger_rows *rows, const struct ledger_row *row,
		      const struct room *budget);
/*
 * Returns the row of the starved runner that has waited longest, or NULL.  A
 * runner that has VMs and needs several more job tokens would wait for ever
 * beside runners that start and end all the time, because at -j2 two tokens are
 * never free at once.  So while such a runner waits, no runner starts a first
 * VM, and the one that has waited longest keeps the token it has.  make:
 * jobserver_name(); 0: there is no jobserver.
 */
const struct ledger_row *policy_first_starved(const struct ledger_rows *rows,
					      uint64_t make);

#endif
