// SPDX-License-Identifier: GPL-2.0-only
/* Who may go next; see turn.h. */
#include "runner/gate/turn.h"

struct room turn_held(const struct ledger_rows *rows)
{
	struct room held = { 0, 0 };

	for (size_t i = 0; i < rows->n; i++) {
		held.memory += rows->row[i].holds;
		held.cpus += rows->row[i].holds_cpus;
	}
	return held;
}

bool turn_before(const struct ledger_row *a, const struct ledger_row *b)
{
	if (!a->holds != !b->holds)
		return a->holds;
	return a->ticket < b->ticket;
}

bool turn_fits(const struct ledger_rows *rows, const struct ledger_row *row,
	       const struct room *all)
{
	struct room then = turn_held(rows);

	then.memory += row->wants;
	then.cpus += row->wants_cpus;
	for (size_t i = 0; i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i];

		if (r->pid != row->pid && r->wants && turn_before(r, row)) {
			then.memory += r->wants;
			then.cpus += r->wants_cpus;
		}
	}
	return then.memory <= all->memory && then.cpus <= all->cpus;
}

/* The builder of a fixture that r waits for; NULL: there is none, or it need not wait. */
static const struct ledger_row *waiting_child(const struct ledger_rows *rows,
					      const struct ledger_row *r)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->row[i].parent == r->pid && rows->row[i].wants)
			return &rows->row[i];
	return NULL;
}

bool turn_is_victim(const struct ledger_rows *rows, const struct ledger_row *row,
		    const struct room *all)
{
	const struct ledger_row *last = NULL;

	for (size_t i = 0; i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i], *waits = r;

		if (r->wants && turn_fits(rows, r, all))
			return false;
		if (!r->holds)
			continue;
		if (!r->wants)
			waits = waiting_child(rows, r);
		if (!waits)
			return false;
		if (!last || waits->ticket > last->ticket)
			last = waits;
	}
	return last && last->pid == row->pid;
}

const struct ledger_row *turn_first_hungry(const struct ledger_rows *rows,
					   uint64_t make)
{
	const struct ledger_row *first = NULL;

	for (size_t i = 0; make && i < rows->n; i++) {
		const struct ledger_row *r = &rows->row[i];

		if (r->make == make && r->hungry && r->holds &&
		    (!first || r->ticket < first->ticket))
			first = r;
	}
	return first;
}
