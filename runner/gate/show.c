// SPDX-License-Identifier: GPL-2.0-only
/* Prints the ledger, the list of all reservations and requests of this user. */
#include <stdlib.h>
#include <time.h>

#include "runner/gate/show.h"

static void show_row(FILE *to, const struct ledger_row *r)
{
	fprintf(to, "%8d  %8llu MiB  %3u cpus  ", r->pid,
		(unsigned long long)r->holds >> 20, r->holds_cpus);
	if (r->ticket)
		fprintf(to, "waits %lld s for %llu MiB, %u cpus%s  ",
			(long long)(time(NULL) - r->since),
			(unsigned long long)r->wants >> 20, r->wants_cpus,
			r->starved ? ", job tokens" : "");
	if (r->waits_for)
		fprintf(to, "needs a fixture that process %d builds  ", r->waits_for);
	fprintf(to, "%s\n", r->label);
}

static int in_order(const void *a, const void *b)
{
	const struct ledger_row *x = a, *y = b;

	if (!x->ticket != !y->ticket)
		return x->ticket ? 1 : -1;
	return policy_before(x, y) ? -1 : policy_before(y, x);
}

void show_ledger(FILE *to, struct ledger_rows *rows, const struct room *budget,
		 bool tight)
{
	qsort(rows->row, rows->n, sizeof(rows->row[0]), in_order);
	fprintf(to, "budget %llu MiB, reserved %llu MiB by %zu runner%s%s\n",
		(unsigned long long)budget->memory >> 20,
		(unsigned long long)policy_held(rows).memory >> 20, rows->n,
		rows->n == 1 ? "" : "s",
		tight ? "; the machine is short of memory: no VM starts while others run" : "");
	for (size_t i = 0; i < rows->n; i++)
		show_row(to, &rows->row[i]);
}
