/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts shell commands, for exec and for jobs. */
#ifndef AGENT_EXECUTOR_COMMAND_H
#define AGENT_EXECUTOR_COMMAND_H

#include "agent/executor/context.h"

struct command {
	const struct wire_bytes *cmd;	/* for /bin/sh -c */
	const struct wire_bytes *cwd;	/* empty: the caller's */
	const struct wire_list *env;	/* of wire_str, NAME=value */
	int fds[3];			/* become its 0, 1, 2 */
	_Atomic int32_t *group;		/* where its process group is noted, or NULL */
};

/*
 * Starts the command in a session of its own; it is killed when the calling
 * thread ends.  Its pid, or what executor_fail() returned.  Uses no malloc: a
 * worker can have been forked while another thread held malloc's lock.
 */
pid_t command_start(struct executor *ex, const struct command *c);

#endif
