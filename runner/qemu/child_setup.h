/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process does before it is QEMU, whether it executes it or was forked from it. */
#ifndef RUNNER_QEMU_CHILD_SETUP_H
#define RUNNER_QEMU_CHILD_SETUP_H

#include <sys/types.h>

/*
 * A process group of its own, no signal blocked; it dies with its parent, and at
 * once if that is gone already.
 */
void child_setup(pid_t parent);

#endif
