// SPDX-License-Identifier: GPL-2.0-only
/* Decides which runner gets memory and processors next; see policy.h. */
#include "runner/gate/policy.h"

/* Longest chain of fixtures in which each is built for the next. */
#define MAX_DEPTH 16

struct room policy_held(const struct ledger_rows *rows)
{
	struct room held = { 0, 0 };

	for (size_t i = 0; i < rows->n; i++) {
		held.memory += rows->row[i].holds;
		held.cpus += rows->row[i].holds_cpus;
	}
	return held;
}

bool policy_before(const struct ledger_row *a, const struct ledger_row *b)
{
	if (!a->holds != !b->holds)
		return a->holds;
	return a->ticket < b->ticket;
}

bool policy_fits(const struct ledger_rows *rows, const struct ledger_row *row,
		 const struct room *budget)
{
	struct room then = policy_held(rows);

	then.memory += row->wants;
	then.cpus += row->wants_cpus;
	for (size_t i = 0; i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i];

		if (r->pid != row->pid && r->wants && policy_before(r, row)) {
			then.memory += r->wants;
			then.cpus += r->wants_cpus;
		}
	}
	return then.memory <= budget->memory && then.cpus <= budget->cpus;
}

/*
 * Finds the request for memory that this process waits for: its own, or that of
 * the process that builds its fixture.  The builder is its child, or holds the
 * lock that the child waits for.  NULL if there is none.
 */
static const struct ledger_row *find_request(const struct ledger_rows *rows, int32_t pid,
					     int depth)
{
	const struct ledger_row *found = NULL;

	for (size_t i = 0; depth && !found && i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i];

		if (r->pid == pid && r->wants)
			found = r;
		else if (r->pid == pid && r->waits_for)
			found = find_request(rows, r->waits_for, depth - 1);
		else if (r->parent == pid)
			found = find_request(rows, r->pid, depth - 1);
	}
	return found;
}

bool policy_is_victim(const struct ledger_rows *rows, const struct ledger_row *row,
		      const struct room *budget)
{
	const struct ledger_row *last = NULL;

	for (size_t i = 0; i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i], *waits;

		if (r->wants && policy_fits(rows, r, budget))
			return false;
		if (!r->holds)
			continue;
		waits = find_request(rows, r->pid, MAX_DEPTH);
		if (!waits)
			return false;
		if (!last || waits->ticket > last->ticket)
			last = waits;
	}
	return last && last->pid == row->pid;
}

const struct ledger_row *policy_first_starved(const struct ledger_rows *rows,
					      uint64_t make)
{
	const struct ledger_row *first = NULL;

	for (size_t i = 0; make && i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i];

		if (r->make == make && r->starved && r->holds &&
		    (!first || r->ticket < first->ticket))
			first = r;
	}
	return first;
}
