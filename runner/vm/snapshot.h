/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM's state within one test file, to go back to as often as wanted.
 *
 * Unlike a fixture's, the memory goes with the state (a VM's is QEMU's own, or a
 * copy on write that nobody else can see), into a file without a name: what is
 * zero takes no room, and all of it goes with the process.
 */
#ifndef RUNNER_VM_SNAPSHOT_H
#define RUNNER_VM_SNAPSHOT_H

#include "runner/base/err.h"
#include "runner/vm/vm.h"

struct snapshot {
	int state_fd;			/* -1: none */
	int *layer_fds;			/* copies of the disks' layers; -1: none */
	size_t nr_layers;
	uint64_t log_next;		/* of the mark in the kernel log */
	bool plain;			/* as settle's reply had it */
	const struct vm *of;		/* only it can go back there */
};

void snapshot_init(struct snapshot *s);
void snapshot_release(struct snapshot *s);
/*
 * The VM goes on afterwards.  0; -EBUSY: calls are in flight; -EROFS: a disk is
 * written directly; or others, err filled and the VM off.
 */
int snapshot_take(struct snapshot *s, struct vm *vm, struct err *err);
/*
 * Back there, from any state but "not booted"; a call in flight fails.  On
 * failure the VM is off.  0 or -errno with err filled.
 */
int snapshot_restore(const struct snapshot *s, struct vm *vm, struct err *err);

#endif
