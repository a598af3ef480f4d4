/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts shell commands, for exec and for jobs. */
#ifndef AGENT_EXECUTOR_COMMAND_H
#define AGENT_EXECUTOR_COMMAND_H

#include "agent/executor/context.h"

struct command {
	const struct wire_bytes *cmd;	/* the text that /bin/sh -c gets */
	const struct wire_bytes *cwd;	/* empty: the directory of the caller */
	const struct wire_list *env;	/* list of wire_str, NAME=value */
	int fds[3];			/* become the command's descriptors 0, 1, 2 */
	/* Set to the command's process group; or NULL. */
	_Atomic int32_t *group;
};

/*
 * Starts the command in its own session.  It is killed when the calling thread
 * ends.  Returns its pid, or what executor_fail() returned.  Uses no malloc,
 * because a worker can be a fork made while another thread held malloc's lock.
 */
pid_t command_start(struct executor *ex, const struct command *c);

#endif
