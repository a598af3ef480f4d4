/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets up a process that becomes QEMU, by execve(2) or as a fork of a QEMU. */
#ifndef RUNNER_QEMU_CHILD_SETUP_H
#define RUNNER_QEMU_CHILD_SETUP_H

#include <sys/types.h>

/*
 * Gives the process its own process group, unblocks all signals, and has the
 * kernel kill it when its parent ends.  Exits if the parent has ended already.
 */
void child_setup(pid_t parent);

#endif
