/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who of those in the ledger may go next: nothing but the rows and what there
 * is decides.
 */
#ifndef RUNNER_GATE_POLICY_H
#define RUNNER_GATE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/gate/ledger.h"

struct room {
	uint64_t memory;		/* bytes */
	uint64_t cpus;			/* UINT64_MAX: no limit */
};

/* What all of them hold. */
struct room policy_held(const struct ledger_rows *rows);
/* Does a go before b?  Who holds something does; else who came first. */
bool policy_before(const struct ledger_row *a, const struct ledger_row *b);
/*
 * Is there room for the row's wish beside all that is held, and beside what those
 * before it wish for?
 */
bool policy_fits(const struct ledger_rows *rows, const struct ledger_row *row,
	       const struct room *all);
/*
 * Everybody who holds something waits for more, or for somebody who does, and
 * nobody can have it: is the row the one of them who came last, and has to give up?
 */
bool policy_is_victim(const struct ledger_rows *rows, const struct ledger_row *row,
		    const struct room *all);
/*
 * Who has VMs and needs more slots of make's than it can get at once would wait
 * for ever beside others that come and go.  So nobody begins with a first VM
 * meanwhile, and the one that has waited longest keeps the slot it has: this
 * one, or NULL.  make: jobserver_name(), 0: there are no slots.
 */
const struct ledger_row *policy_first_starved(const struct ledger_rows *rows,
					   uint64_t make);

#endif
