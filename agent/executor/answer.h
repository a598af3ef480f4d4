/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies, fail messages and data frames of an executor. */
#ifndef AGENT_EXECUTOR_ANSWER_H
#define AGENT_EXECUTOR_ANSWER_H

#include <stdnoreturn.h>

#include "agent/executor/context.h"

/* Stores why the op failed; returns -1, so that a handler can return it. */
int executor_fail(struct executor *ex, enum wire_reason reason, int err,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Sends a data frame for the current request; n is at most WIRE_PIECE. */
void executor_data(struct executor *ex, uint32_t stream, const void *p, size_t n);
/*
 * Allocates memory that is valid until the reply is sent; NULL when there is no
 * more.
 */
void *executor_scratch(struct executor *ex, size_t n);
/*
 * Copies b to scratch memory as a C string; NULL when that memory is used up.
 */
char *executor_string(struct executor *ex, const struct wire_bytes *b);
/* Makes the supervisor look at this executor's mailbox. */
void executor_wake_supervisor(struct executor *ex);
/*
 * Ends an executor whose own descriptors a test has closed; the supervisor
 * reports its end.
 */
noreturn void executor_lost_fds(struct executor *ex);
/* Encodes a frame into the mailbox's out.  Returns its size in bytes. */
size_t executor_make_frame(struct executor *ex, enum wire_kind kind,
			   const struct wire_desc *desc, const void *msg);
/*
 * Sends the n bytes of the frame in the mailbox's `out`, or asks the supervisor
 * to send them.
 */
void executor_send_out(struct executor *ex, size_t n);

#endif
