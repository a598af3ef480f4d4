/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM that stays, stopped, after its test has failed (--on-failure=keep). */
#ifndef RUNNER_VM_KEPT_H
#define RUNNER_VM_KEPT_H

#include "runner/vm/vm.h"

/*
 * Stops a VM that runs, or that is dead and was kept (vm_keep_corpse()), and
 * takes it out of use: the state of a running VM becomes VM_OFF, so that no
 * call reaches it, but its QEMU stays until vm_kill().  Refused if no other VM
 * of this size would have room beside it.  0 or -errno with err filled.
 */
int vm_keep(struct vm *vm, struct err *err);
/*
 * Lets the guest of a kept VM run, for a shell in it, or stops it again.
 * Running, its state is VM_RUNNING.  0 or -errno with err filled.
 */
int vm_kept_run(struct vm *vm, bool run, struct err *err);

#endif
