/* SPDX-License-Identifier: GPL-2.0-only */
/* A child process that cannot outlive the runner: QEMU. */
#ifndef RUNNER_QEMU_PROC_H
#define RUNNER_QEMU_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "runner/base/err.h"

struct proc {
	pid_t pid;			/* 0: none */
	int pidfd;			/* readable when it has ended; -1: none */
	int status;			/* of wait(2), once it is reaped */
};

void proc_init(struct proc *p);
/*
 * Starts argv in a process group of its own, killed when this process dies.
 * It inherits the nr_fds descriptors of fds under the same numbers, and err_fd
 * as its standard error.  0; -ENOENT and others with err filled (ERR_BROKEN).
 */
int proc_start(struct proc *p, char *const argv[], const int *fds,
	       size_t nr_fds, int err_fd, struct err *err);
/* Has it ended?  Then status is set. */
bool proc_ended(struct proc *p);
/* SIGKILL, and waits for it.  Safe when there is none. */
void proc_release(struct proc *p);

#endif
