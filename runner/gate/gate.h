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

/* The reservation of one VM.  All zeros: no reservation. */
struct gate_pass {
	bool in;
	bool runs;			/* a VM that runs counts for job tokens */
	uint64_t memory;		/* bytes, QEMU's overhead included */
	unsigned int cpus;
	pid_t qemu;
};

/* --- functions of the runner, before it forks --- */

/*
 * Sets the limits for all VMs. memory 0: what the machine has available; cpus
 * 0: no limit.
 */
void gate_set_budget(uint64_t memory, unsigned int cpus);
/*
 * Reads MAKEFLAGS.  account: the file to record borrowed and lent job tokens
 * in, so that gate_return_tokens_of() can return them after a SIGKILL; or NULL.
 * 0 or -errno with err filled.
 */
int gate_init(const char *account, struct err *err);
/* Was make called with -n, -q or -t? */
bool gate_dry_run(void);
/*
 * Leaves the process with the one job token it got from make.  To be called
 * before the process ends, and after a child was killed.
 */
void gate_return_tokens(void);
/*
 * As gate_return_tokens(), for a runner that was killed.  0 or -errno with err
 * filled.
 */
int gate_return_tokens_of(const char *account, struct err *err);

/* --- functions of the process that runs the VMs --- */

/*
 * Sets a function to be called when a wait begins (true) and when it ends
 * (false).
 */
void gate_on_wait(void (*fn)(bool waits));
/* Sets the label of this process's row in `provium gate`: its test file. */
void gate_set_label(const char *label);
/*
 * Reserves memory and processors for a VM, and waits until there is room.  The
 * charge is the guest's memory plus BUDGET_OVERHEAD: a booted guest can touch
 * each page of its RAM once, and a clone can copy each page of its fixture's
 * memory once; the fixture's memory itself is page cache, which the kernel can
 * drop.
 *
 * waited: seconds.  0, or with err filled: -E2BIG if the VM exceeds the budget,
 * -EDEADLK, -ETIMEDOUT, -EINTR.
 */
int gate_enter(struct gate_pass *pass, uint64_t memory, unsigned int cpus,
	       double *waited, struct err *err);
/*
 * As gate_enter(), for a spare (a clone that is resumed in advance): never
 * waits, and succeeds only if no process waits and as much memory again stays
 * free.  gate_run_spare() must follow before the spare runs.
 */
bool gate_enter_spare(struct gate_pass *pass, uint64_t memory, unsigned int cpus);
/*
 * Takes a job token for a spare; does nothing for other VMs.  Errors as
 * gate_enter().
 */
int gate_run_spare(struct gate_pass *pass, double *waited, struct err *err);
/*
 * Tells the gate which QEMU uses the reservation; the QEMU's memory then counts
 * as part of it.
 */
void gate_started(struct gate_pass *pass, pid_t qemu);
/*
 * Records which process builds the fixture that this process waits for, to
 * detect deadlocks; 0 when it no longer waits.
 */
void gate_waits_for(pid_t pid);
/*
 * May the VM of this reservation stay for long?  0; -EBUSY with err filled if
 * not as much memory again is free for others.
 */
int gate_may_keep(const struct gate_pass *pass, struct err *err);
/*
 * Takes this process out of make: it has no part in job tokens any more, and
 * its parent returns those that it has borrowed (gate_return_tokens()).
 * Reservations stay.
 */
void gate_leave_make(void);
/*
 * Has the ledger been removed, so that no other runner knows the reservations
 * of this process?
 */
bool gate_is_lost(void);
/* Gives the reservation back.  A second call has no effect. */
void gate_leave(struct gate_pass *pass);
/*
 * Claims all guest memory that this process's VMs will have at any one time;
 * gate_enter() then draws on the claim without waiting for memory.  cpus 0: no
 * limit.  Must be called before the first VM.  Errors as gate_enter().
 */
int gate_claim(uint64_t memory, unsigned int cpus, double *waited, struct err *err);

/*
 * Returns the most memory that this process has asked for at any one time, in
 * bytes, its earlier reservations included, whether it was granted or not.
 */
uint64_t gate_peak(void);

struct gate_holder {
	pid_t pid;
	uint64_t memory;		/* reserved, in bytes */
};

/*
 * Fills in at most max processes that have a reservation.  Returns their
 * number, or -errno with err filled.
 */
int gate_holders(struct gate_holder *list, int max, struct err *err);
/*
 * Prints the processes that hold a reservation or wait for one, for `provium
 * gate`.  0 or -errno with err filled.
 */
int gate_show(FILE *to, struct err *err);

#endif
