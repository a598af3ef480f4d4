/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the supervisor sends: its own frames, which are queued, and frames that
 * executors have deferred: those too large for one write, those of which a
 * write took only a part, and all frames of an executor without the link's
 * descriptor.
 *
 * Nothing here waits: neither for the lock, which an executor may have, nor for
 * the runner to read.
 */
#ifndef AGENT_SEND_H
#define AGENT_SEND_H

#include "agent/roster.h"

/* Queues one frame; the loop sends it.  Without a link it is dropped. */
void send_frame(struct supervisor *s, const struct wire_header *hdr,
		const struct wire_desc *desc, const void *msg);
/* Sends what can be sent now. */
void send_pending(struct supervisor *s);
/* Is the link to be polled for POLLOUT? */
bool send_wants_out(const struct supervisor *s);
/*
 * How long to poll at most, in milliseconds, before send_pending() is due; or
 * -1.
 */
int send_poll_ms(struct supervisor *s);
/* Sends all that is queued, for limit_ms at most: before the guest's end. */
void send_flush(struct supervisor *s, int limit_ms);
/* The link is gone: drops everything. */
void send_reset(struct supervisor *s);
/*
 * An executor has died: queues the rest of its frame, if it has one, and takes
 * the lock from it.  True if its reply has been or will be sent.
 */
bool send_take_from_dead(struct supervisor *s, uint32_t channel);

#endif
