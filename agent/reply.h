/* SPDX-License-Identifier: GPL-2.0-only */
/* The supervisor's own replies to requests. */
#ifndef AGENT_REPLY_H
#define AGENT_REPLY_H

#include "agent/supervisor.h"

/*
 * Each of these functions queues an answer to request req.  Without a link they
 * do nothing.
 */
void reply_fail(struct supervisor *s, const struct wire_header *req,
		enum wire_reason reason, const char *text);
/* Sends a reply. rep: the struct of the op's reply message. */
void reply_send(struct supervisor *s, const struct wire_header *req, const void *rep);
/* Sends a piece of stream 1; n is at most WIRE_PIECE. */
void reply_data(struct supervisor *s, const struct wire_header *req, const void *p, size_t n);
/* Sends the agent's first frame on a link. */
void reply_ready(struct supervisor *s);
/* Asks the runner for the modules that were built for this guest's kernel. */
void reply_want_modules(struct supervisor *s);

#endif
