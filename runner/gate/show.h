/* SPDX-License-Identifier: GPL-2.0-only */
/* The ledger as text for a person (`provium gate`). */
#ifndef RUNNER_GATE_SHOW_H
#define RUNNER_GATE_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "runner/gate/policy.h"

/*
 * Prints the budget, then a line for each row: first the processes that do not
 * wait, then the others in the order in which they will be served.
 * Sorts rows.  budget: budget_room().  tight: budget_is_tight().
 */
void show_ledger(FILE *to, struct ledger_rows *rows, const struct room *budget,
		 bool tight);

#endif
