/* SPDX-License-Identifier: GPL-2.0-only */
/* An idle executor reads the link itself: see agent/shared/link.h. */
#ifndef AGENT_EXECUTOR_READ_LINK_H
#define AGENT_EXECUTOR_READ_LINK_H

#include "agent/executor/context.h"

/* Gets the descriptor of another link from the supervisor, if there is one. */
void executor_follow_link(struct executor *ex);
/* Reads the link, with the role: carries a frame out, passes the role on, or
 * gives it back. */
void executor_read_link(struct executor *ex);

#endif
