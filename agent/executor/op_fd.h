/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors that an op opens. */
#ifndef AGENT_EXECUTOR_OP_FD_H
#define AGENT_EXECUTOR_OP_FD_H

#include <signal.h>

#include "agent/executor/context.h"

/*
 * Functions that open and close an op's descriptors.  All descriptors are
 * close-on-exec.  If a thread worker is ended during an op, they are closed,
 * because its process continues.  The functions return the descriptor (0 for
 * pipe and close), or -errno.
 */
int executor_open(struct executor *ex, const char *path, int flags);
int executor_pipe(struct executor *ex, int fds[2]);
/* Opens a terminal; fds: the master, which does not block, and the slave. */
int executor_pty(struct executor *ex, int fds[2]);
int executor_pidfd(struct executor *ex, pid_t pid);
/* Closes *fd, if it is not -1, and sets it to -1. */
int executor_close(struct executor *ex, int *fd);
/* Closes the descriptors that an op had open when its thread was ended. */
void executor_close_held(struct executor *ex);
/*
 * Blocks THREAD_END_SIGNAL, so that no descriptor is lost between the call that
 * opens it and the record of it.  Returns the previous mask.
 */
sigset_t executor_block_end(void);

#endif
