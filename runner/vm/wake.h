/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent is asked before a guest is saved and after it was resumed. */
#ifndef RUNNER_VM_WAKE_H
#define RUNNER_VM_WAKE_H

#include "agent/wire/wire.h"
#include "runner/base/err.h"
#include "runner/vm/vm.h"

/* Absolute; for what takes a tenth of a second, on this machine. */
int64_t wake_deadline(const struct vm *vm);
/*
 * Before a save: marks the kernel log ("saved as WHAT"); with symbols, looks for
 * the addresses of the generator.  0 or -errno with err filled.
 */
int wake_settle(struct vm *vm, const char *what, bool symbols,
		struct wire_settle_rep *rep, struct err *err);
/*
 * After a resume: the clock; and entropy of its own, if it is to have that.  plain: as
 * settle's reply had it; then no process but the executor has to run.  vm->wake is what
 * wake_end() waits for.
 */
int wake_begin(struct vm *vm, bool plain, bool entropy, struct err *err);
int wake_end(struct vm *vm, struct err *err);

#endif
