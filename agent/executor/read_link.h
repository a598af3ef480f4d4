/* SPDX-License-Identifier: GPL-2.0-only */
/* An idle executor reads the link itself: see agent/shared/link.h. */
#ifndef AGENT_EXECUTOR_READ_LINK_H
#define AGENT_EXECUTOR_READ_LINK_H

#include "agent/executor/context.h"

/*
 * Gets the descriptor of the new link from the supervisor, if there is a new
 * one.
 */
void executor_follow_link(struct executor *ex);
/*
 * Reads the link; the caller has the role.  Carries out one frame, passes the
 * role on, or gives it back.
 */
void executor_read_link(struct executor *ex);

#endif
