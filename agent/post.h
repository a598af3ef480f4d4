/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests that the supervisor has read, for executors. */
#ifndef AGENT_POST_H
#define AGENT_POST_H

#include "agent/roster.h"

/* Hands the first frame received, a request, to its channel's executor, or answers
 * why that cannot be. */
void post_request(struct supervisor *s, const struct wire_header *hdr);

#endif
