/* SPDX-License-Identifier: GPL-2.0-only */
/* A child process that cannot outlive the runner: QEMU, or another runner. */
#ifndef RUNNER_QEMU_PROC_H
#define RUNNER_QEMU_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "runner/base/err.h"

struct proc {
	pid_t pid;			/* 0: none */
	int pidfd;			/* readable when the process has ended; -1: none */
	int status;			/* wait status, once the process is reaped */
};

void proc_init(struct proc *p);
/*
 * Starts argv in its own process group; the kernel kills it when this process
 * ends.  It inherits the nr_fds descriptors in fds (-1 is skipped) under the
 * same numbers, and err_fd as its standard error.  0; or -errno with err
 * filled, -ENOENT if there is no such program.
 */
int proc_start(struct proc *p, char *const argv[], const int *fds,
	       size_t nr_fds, int err_fd, struct err *err);
/* Returns true if the process has ended; then p->status is set. */
bool proc_ended(struct proc *p);
/*
 * Kills the process and waits for its end.  Does nothing if there is no
 * process.
 */
void proc_release(struct proc *p);

#endif
