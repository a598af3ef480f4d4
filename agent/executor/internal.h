/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of agent/executor use of each other. */
#ifndef AGENT_EXECUTOR_INTERNAL_H
#define AGENT_EXECUTOR_INTERNAL_H

#include <signal.h>

#include "agent/executor/executor.h"

/* --- op_fd.c --- */

/* Blocks THREAD_END_SIGNAL, so that no descriptor is lost between the call that
 * makes it and the note of it.  The mask before. */
sigset_t executor_block_end(void);

/* --- answer.c --- */

/* Ends an executor whose own descriptors were closed; the supervisor says so. */
noreturn void executor_lost_fds(struct executor *ex);
/* Encodes a frame into the mailbox's out: its size, in bytes. */
size_t executor_make_frame(struct executor *ex, enum wire_kind kind,
			   const struct wire_desc *desc, const void *msg);
/* Sends the n bytes of the frame in out, or has the supervisor send them. */
void executor_send_out(struct executor *ex, size_t n);

/* --- read_link.c --- */

/* Gets the descriptor of another link from the supervisor, if there is one. */
void executor_follow_link(struct executor *ex);
/* Reads the link, with the role: carries a frame out, passes the role on, or
 * gives it back. */
void executor_read_link(struct executor *ex);

/* --- executor.c --- */

/* Carries the mailbox's request out and sends the reply. */
void executor_serve(struct executor *ex);

#endif
