/* SPDX-License-Identifier: GPL-2.0-only */
/* From a VM's options to a running QEMU. */
#ifndef RUNNER_VM_LAUNCH_H
#define RUNNER_VM_LAUNCH_H

#include "runner/base/err.h"
#include "runner/vm/vm.h"

/*
 * Starts QEMU for vm->profile, opts and accel; sets console_fd, stderr_fd, qmp,
 * chan and start_ns.  0, or -errno with err filled; what was opened by then
 * stays in vm, for its release.
 */
int launch_qemu(struct vm *vm, struct err *err);

#endif
