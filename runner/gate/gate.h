/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May this VM start now?  Memory and processors are shared by all runners of
 * this user on this machine (ledger.h); under make -j a further VM takes a
 * slot of make's (jobserver.h).
 *
 * First come, first served; but who holds something already goes before who
 * holds nothing, because everybody waits for it to end.  A process that waits
 * has no slot of make's: the build goes on meanwhile.  It takes memory and
 * slots together or neither.  But of those that have VMs, and wait for slots
 * only, the first keeps one, and nobody starts a first VM before it has them.
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
	bool runs;			/* counts for make's slots */
	uint64_t memory;		/* bytes, what QEMU itself needs included */
	unsigned int cpus;
	pid_t qemu;
};

/* --- the runner, before it forks --- */

/* 0: what the machine has free; no limit on processors. */
void gate_set_budget(uint64_t memory, unsigned int cpus);
/*
 * Reads MAKEFLAGS.  account: a file for what is borrowed from make, so that
 * gate_return_tokens_of() can put it right after a SIGKILL; or NULL.
 */
int gate_init(const char *account, struct err *err);
/* Is this make -n (-q, -t)? */
bool gate_dry_run(void);
/* Before the process ends, and after a child's end: one slot, as make gave it. */
void gate_return_tokens(void);
/* For another process, after the runner was killed.  0 or -errno. */
int gate_return_tokens_of(const char *account, struct err *err);

/* --- the process that has the VMs --- */

/* fn is called when a wait begins, and when it ends. */
void gate_on_wait(void (*fn)(bool waits));
/* What the ledger calls it. */
void gate_set_label(const char *what);
/*
 * Waits until a VM of so much guest memory may run.  The charge is memory plus
 * GATE_OVERHEAD: a booted guest can touch each page of its RAM once, and a
 * clone of a fixture can copy each page of the template's once; the template
 * itself is page cache, which the kernel can drop.
 *
 * *waited: seconds.  0; -E2BIG: more than there is; -EDEADLK; -ETIMEDOUT;
 * -EINTR: all with err filled.
 */
int gate_enter(struct gate_pass *pass, uint64_t memory, unsigned int cpus,
	       double *waited, struct err *err);
/*
 * For a VM that is only to be ready: without waiting, only if nobody else
 * waits and as much again stays free.  gate_run_spare() before it runs.
 */
bool gate_enter_spare(struct gate_pass *pass, uint64_t memory, unsigned int cpus);
int gate_run_spare(struct gate_pass *pass, double *waited, struct err *err);
/* Its QEMU, whose memory is not to be counted twice. */
void gate_started(struct gate_pass *pass, pid_t qemu);
/* What we need is built by that process, or (0) by nobody any more: for deadlocks. */
void gate_waits_for(pid_t pid);
/* Gives back what was reserved.  Safe twice. */
void gate_leave(struct gate_pass *pass);
/*
 * All guest memory the process will have at a time, at once: gate_enter() then
 * draws on it.  cpus 0: no limit.  Only before the first VM.  Errors as
 * gate_enter().
 */
int gate_claim(uint64_t memory, unsigned int cpus, double *waited, struct err *err);

#define GATE_OVERHEAD (96ull << 20)	/* QEMU beside the guest's RAM: 60 to 90 MiB seen */

/* Who holds and who waits, for a person. */
int gate_show(FILE *to, struct err *err);

#endif
