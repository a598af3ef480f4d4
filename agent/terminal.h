/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminals: pseudo-terminals of the guest, each with an interactive shell,
 * which the runner connects to a terminal of the host.
 *
 * The supervisor has them, so that a shell can be started whatever state the
 * executors are in, and always runs as root in the guest's root folder.  Output
 * is read only when the runner has asked for it, and input is taken only when
 * the one before it has been written: so nothing is queued, and nothing lost.
 */
#ifndef AGENT_TERMINAL_H
#define AGENT_TERMINAL_H

#include <poll.h>

#include "agent/supervisor.h"

#define TERMINALS 16u			/* the most that can be open at a time */

/*
 * Each of these functions answers the request, some of them later, from
 * terminal_step().
 */
void terminal_start(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_req *q);
void terminal_input(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_input_req *q);
void terminal_output(struct supervisor *s, const struct wire_header *req,
		     const struct wire_terminal_id *q);
void terminal_size(struct supervisor *s, const struct wire_header *req,
		   const struct wire_terminal_size_req *q);
void terminal_close(struct supervisor *s, const struct wire_header *req,
		    const struct wire_terminal_id *q);

/* Returns true if a terminal is open. */
bool terminal_any(void);
/* Fills in TERMINALS entries, with fd -1 for those that wait for nothing. */
void terminal_poll(struct pollfd *fds);
/* Moves input and output, after poll(2) with the entries of terminal_poll(). */
void terminal_step(struct supervisor *s, const struct pollfd *fds);
/* If the child is a terminal's shell, notes its end and returns true. */
bool terminal_child_ended(struct supervisor *s, pid_t pid, int status);
/* Hangs up all terminals: the runner that used them is gone. */
void terminal_close_all(void);

#endif
