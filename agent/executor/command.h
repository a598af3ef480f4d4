/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts shell commands and programs, for exec and for jobs. */
#ifndef AGENT_EXECUTOR_COMMAND_H
#define AGENT_EXECUTOR_COMMAND_H

#include "agent/executor/context.h"

struct command {
	const struct wire_bytes *cmd;	/* the text for the shell */
	const struct wire_list *args;	/* or a program and its arguments; NULL, empty: none */
	const struct wire_bytes *cwd;	/* empty: the directory of the caller */
	const struct wire_list *env;	/* list of wire_str, NAME=value */
	int fds[3];			/* become the command's descriptors 0, 1, 2 */
	_Atomic int32_t *group;		/* is set to the command's process group */
	/*
	 * If not -1, descriptor 0 is a terminal, and the command's session is
	 * that of the terminal.  Its leader is the process whose pid
	 * command_start() returns.  It writes the command's status (an int, as
	 * waitpid(2) returns it) to status_fd, the pipe of status_read_fd, and
	 * ends.
	 */
	int status_fd, status_read_fd;
};

/*
 * Starts the command as a shell starts one: in a process group of its own,
 * with default signals.  It is killed if the calling thread ends before
 * *group is set; after that the caller's death is the supervisor's to handle.
 * Returns the child's pid, or what executor_fail() returned.  Uses no malloc,
 * because a worker can be a fork made while another thread held malloc's lock.
 */
pid_t command_start(struct executor *ex, const struct command *c);

#endif
