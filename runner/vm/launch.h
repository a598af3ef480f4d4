/* SPDX-License-Identifier: GPL-2.0-only */
/* From a VM's options to a running QEMU. */
#ifndef RUNNER_VM_LAUNCH_H
#define RUNNER_VM_LAUNCH_H

#include "runner/base/err.h"
#include "runner/vm/vm.h"

/*
 * Starts QEMU for vm->machine.profile, opts and accel; sets console_fd and stderr_fd
 * (unless there are some already), qmp, conn and start_ns.  incoming: it waits
 * for a state instead of booting.  0, or -errno with err filled; what was opened
 * by then stays in vm, for its release.
 */
int launch_qemu(struct vm *vm, bool incoming, struct err *err);
/* The same, incoming, with vm->seed and a gdb stub at vm->gdb_fd. */
int launch_seeded(struct vm *vm, struct err *err);

#endif
