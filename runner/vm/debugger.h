/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A debugger on a VM, by QEMU's gdb stub; and VMs that stay after their death.
 */
#ifndef RUNNER_VM_DEBUGGER_H
#define RUNNER_VM_DEBUGGER_H

#include "runner/vm/vm.h"

/*
 * If on, QEMU stays as it is, stopped, when the guest panics, resets or hangs,
 * until vm_kill().  To all other functions the VM is dead.  0 or -errno with
 * err filled.
 */
int vm_keep_corpse(struct vm *vm, bool on, struct err *err);
/* Is there a QEMU, of a running or of a dead guest, to debug? */
bool vm_can_debug(const struct vm *vm);

/*
 * Stops the guest and connects QEMU's gdb stub to the socket, of which QEMU
 * keeps a copy; listens: gdb has yet to connect to the socket.  From then on
 * calls have no deadline, because the user can keep the guest stopped for any
 * time.  0 or -errno with err filled.
 */
int vm_debug_start(struct vm *vm, int socket_fd, bool listens, struct err *err);
/* Ends the stub; a guest that is alive runs on. */
void vm_debug_end(struct vm *vm);
/* Returns the deadline of a call that may take that many seconds, scaled. */
int64_t vm_deadline(const struct vm *vm, double seconds);
/* As vm_deadline(), counted from the time when the call was sent. */
int64_t vm_call_deadline(const struct vm *vm, const struct vm_call *call, double seconds);

#endif
