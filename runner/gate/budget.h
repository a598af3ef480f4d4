/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory this machine, or the control group we are in, has to give. */
#ifndef RUNNER_GATE_BUDGET_H
#define RUNNER_GATE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/gate/policy.h"

/* Bytes that could be used now without swapping (proc(5), MemAvailable). */
uint64_t budget_available(void);
/* Bytes there are. */
uint64_t budget_total(void);
/* Bytes that a process has in memory for itself; 0 if it is gone. */
uint64_t budget_resident(pid_t pid);
/*
 * Does the machine struggle for memory?  /proc/pressure/memory, "some", ten
 * seconds' average (Documentation/accounting/psi.rst); false where it is missing.
 */
bool budget_is_tight(void);
/*
 * All that VMs may have.  limit: what the user allows, 0 for no limit of that
 * kind; without one for memory it is as much as would be available without any
 * of the VMs in rows, less a reserve for the rest of the machine.
 */
struct room budget_room(const struct room *limit, const struct ledger_rows *rows);

#endif
