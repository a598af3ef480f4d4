/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decides when a VM can start.  All runners of this user on this machine share
 * its memory and processors (ledger.h); under make -j each further VM of a
 * runner also takes a job token (jobserver.h).
 *
 * Requests are served in the order in which they came, but runners that hold a
 * reservation go before runners that hold none, because the others wait for
 * them to finish.  A waiting runner lends its own job token to make, so the
 * build goes on meanwhile, and takes memory and tokens together or neither.
 * The exception is policy_first_starved() in policy.h.
 */
#ifndef RUNNER_GATE_GATE_H
#define RUNNER_GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "runner/base/err.h"

/* What one VM has reserved.  All zeros: nothing. */
struct gate_pass {
	bool in;
	bool runs;			/* a VM that runs counts for job tokens */
	uint64_t memory;		/* bytes, QEMU's overhead included */
	unsigned int cpus;
	pid_t qemu;
};

/* --- the runner, before it forks --- */

/* The limits for all VMs.  memory 0: what the machine has available; cpus 0: none. */
void gate_set_budget(uint64_t memory, unsigned int cpus);
/*
 * Reads MAKEFLAGS.  account: the file to record borrowed and lent job tokens
 * in, so that gate_return_tokens_of() can return them after a SIGKILL; or NULL.
 * 0 or -errno with err filled.
 */
int gate_init(const char *account, struct err *err);
/* Is this make -n (-q, -t)? */
bool gate_dry_run(void);
/*
 * Leaves the process with the one job token it got from make.  To be called
 * before the process ends, and after a child was killed.
 */
void gate_return_tokens(void);
/* The same for a runner that was killed.  0 or -errno with err filled. */
int gate_return_tokens_of(const char *account, struct err *err);

/* --- the process that has the VMs --- */

/* fn is called when a wait begins (true) and when it ends (false). */
void gate_on_wait(void (*fn)(bool waits));
/* The label of this process's row in `provium gate`: its test file. */
void gate_set_label(const char *label);
/*
 * Reserves memory and processors for a VM, and waits until there is room.  The
 * charge is the guest's memory plus BUDGET_OVERHEAD: a booted guest can touch each
 * page of its RAM once, and a clone of a fixture can copy each page of the
 * template's once; the template itself is page cache, which the kernel can drop.
 *
 * waited: seconds.  0, or with err filled: -E2BIG if it exceeds the budget,
 * -EDEADLK, -ETIMEDOUT, -EINTR.
 */
int gate_enter(struct gate_pass *pass, uint64_t memory, unsigned int cpus,
	       double *waited, struct err *err);
/*
 * The same for a spare: never waits, and succeeds only if no process waits and
 * as much again stays free.  gate_run_spare() must follow before the spare runs.
 */
bool gate_enter_spare(struct gate_pass *pass, uint64_t memory, unsigned int cpus);
/* Takes a job token for a spare; nothing for other VMs.  As gate_enter(). */
int gate_run_spare(struct gate_pass *pass, double *waited, struct err *err);
/* The reservation's QEMU; its memory counts as part of the reservation. */
void gate_started(struct gate_pass *pass, pid_t qemu);
/*
 * Records which process builds the fixture that this one waits for, to detect
 * deadlocks; 0 when it does not wait any more.
 */
void gate_waits_for(pid_t pid);
/* Gives the reservation back.  Safe twice. */
void gate_leave(struct gate_pass *pass);
/*
 * Reserves all guest memory that this process's VMs will have at any one time;
 * gate_enter() then draws on it without waiting for memory.  cpus 0: no limit.
 * Only before the first VM.  Errors as gate_enter().
 */
int gate_claim(uint64_t memory, unsigned int cpus, double *waited, struct err *err);

/* Prints who holds and who waits, for `provium gate`.  0 or -errno with err filled. */
int gate_show(FILE *to, struct err *err);

#endif
