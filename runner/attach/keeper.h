/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper of a VM (runner/vm/kept.h): the process that ran the test file,
 * after the file has ended.  It lets other processes of the user into the VM.
 */
#ifndef RUNNER_ATTACH_KEEPER_H
#define RUNNER_ATTACH_KEEPER_H

#include "runner/vm/vm.h"

struct keeper {
	int listener, path;		/* hidden_socket_open(); -1: none */
};

void keeper_init(struct keeper *k);
/*
 * Leaves the terminal, the runner and make, and opens the keeper's socket.  To
 * be called before the runner is told that the file has ended.  0 or -errno
 * with err filled.
 */
int keeper_detach(struct keeper *k, struct err *err);
/*
 * Serves clients until QEMU ends, a signal arrives, the time is over, or the
 * output folder or the gate's ledger is removed.  description: JSON of an
 * object.  The guest runs while a shell is open in it.  Leaves the current
 * folder.
 */
void keeper_serve(struct keeper *k, struct vm *vm, const char *description,
		  double seconds);
void keeper_release(struct keeper *k);

#endif
