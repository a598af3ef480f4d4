/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames that the supervisor sends for an executor: those too large for one
 * write, those whose write took only a part, and all frames of an executor that
 * has no descriptor of the link.
 */
#ifndef AGENT_DEFERRED_REPLY_H
#define AGENT_DEFERRED_REPLY_H

#include "agent/roster.h"

/* Sends what is left of the channel's frame, if it has deferred one. */
void deferred_reply_send(struct supervisor *s, uint32_t channel);
void deferred_reply_send_all(struct supervisor *s);

#endif
