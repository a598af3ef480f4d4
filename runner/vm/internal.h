/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that the files of runner/vm/ share.  Each file uses only those
 * before it: conn, vsock, state, call, loop, wait, launch, boot.
 */
#ifndef RUNNER_VM_INTERNAL_H
#define RUNNER_VM_INTERNAL_H

#include "runner/vm/vm.h"

/* Seconds for an action that a responsive guest or QEMU performs at once. */
#define GRACE_S 2.0

/* --- state.c --- */

/* Ends QEMU, closes all connections to it, gives back the reservation. */
void vm_end_qemu(struct vm *vm);
/* Marks the VM dead for `reason`, to which the end of the console is added. */
void vm_die(struct vm *vm, enum err_kind kind, const char *reason);
/* QEMU's process has ended: the VM is dead, and the exit status says why. */
void vm_qemu_ended(struct vm *vm);
/* QEMU has stopped the guest without being told to: the VM is dead. */
void vm_qemu_stopped(struct vm *vm);

/* --- call.c --- */

/*
 * Gives all complete frames that have arrived to their calls.  0; -EBADMSG or
 * -EPROTO with err filled: the agent violates the protocol.
 */
int vm_take_frames(struct vm *vm, struct err *err);

/* --- loop.c --- */

/*
 * Waits until something happens and handles it.  0, -ETIMEDOUT or -EINTR; the
 * VM's death is no error here.
 */
int vm_step(struct vm *vm, int64_t deadline_ns);

/* --- wait.c --- */

/* As vm_wait(), but -ETIMEDOUT leaves the call in flight and err unset. */
int vm_wait_call(struct vm *vm, struct vm_call *call, int64_t deadline_ns,
		 struct err *err);

#endif
