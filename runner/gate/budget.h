/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds out how much memory this machine, or this process's control group, can
 * give to VMs.
 */
#ifndef RUNNER_GATE_BUDGET_H
#define RUNNER_GATE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/err.h"
#include "runner/gate/policy.h"

/*
 * Bytes that QEMU needs in addition to the guest's RAM: 60 to 90 MiB measured.
 */
#define BUDGET_OVERHEAD (96ull << 20)

/*
 * Returns the bytes that can be used now without swapping (proc(5),
 * MemAvailable).
 */
uint64_t budget_available(void);
/* Returns all memory, in bytes. */
uint64_t budget_total(void);
/* Can the figures about memory be read? 0, or -errno with err filled. */
int budget_check(struct err *err);
/*
 * Returns the resident bytes that a process does not share with others; 0 if
 * the process has ended.
 */
uint64_t budget_resident(pid_t pid);
/*
 * Did tasks stall for memory in the last ten seconds?  The "some" average of
 * /proc/pressure/memory (Documentation/accounting/psi.rst); false where the
 * file is missing.
 */
bool budget_is_tight(void);
/*
 * Returns the budget of all VMs together.  limit: the user's limits; 0 for no
 * limit of that kind.  Without a limit the memory is what would be available if
 * none of the VMs in rows existed, less a reserve for the rest of the machine.
 */
struct room budget_room(const struct room *limit, const struct ledger_rows *rows);
/*
 * Returns the bytes that a machine or control group must have so that a runner
 * can reserve this much memory: the inverse of budget_room(), plus what the
 * runner needs itself.
 */
uint64_t budget_machine_for(uint64_t memory);

#endif
