/* SPDX-License-Identifier: GPL-2.0-only */
/* The ops that the supervisor itself answers. */
#ifndef AGENT_SUPERVISOR_OPS_H
#define AGENT_SUPERVISOR_OPS_H

#include "agent/supervisor.h"

/*
 * Carries the first frame received out, a request for channel 0, and answers
 * it.  0, or -errno: the link has to be dropped.
 */
int supervisor_op(struct supervisor *s, const struct wire_header *hdr);

#endif
