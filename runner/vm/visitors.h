/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Others that use the VMs of this process while it waits: shells that the user
 * opens from another terminal (runner/attach/visitors.h).
 */
#ifndef RUNNER_VM_VISITORS_H
#define RUNNER_VM_VISITORS_H

#include <poll.h>

#include "runner/vm/vm.h"

#define VM_VISITORS_MAX 40

struct vm_visitors {
	/* Fills in at most VM_VISITORS_MAX descriptors.  Their number. */
	size_t (*poll)(struct pollfd *fds);
	/*
	 * Handles what has happened to these descriptors.  Is not called again
	 * before it returns.
	 */
	void (*step)(const struct pollfd *fds);
	/* The VM has ended, although it may run again after vm_restore(). */
	void (*ended)(struct vm *vm);
	/* The VM is no more. */
	void (*freed)(struct vm *vm);
};

/* Sets the visitors of all VMs of this process; NULL: it has none. */
void vm_set_visitors(const struct vm_visitors *visitors);
/*
 * Waits, without a VM, until one of at most VM_ALSO_MAX descriptors is ready or
 * a visitor was served.  0, -ETIMEDOUT or -EINTR.
 */
int vm_idle(int64_t deadline_ns, struct pollfd *also, size_t nr_also);

#endif
