/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that the supervisor has read and that executors carry out. */
#ifndef AGENT_POST_H
#define AGENT_POST_H

#include "agent/roster.h"

/*
 * Hands the first frame received, a request, to its channel's executor, or
 * answers why that is impossible.
 */
void post_request(struct supervisor *s, const struct wire_header *hdr);

#endif
