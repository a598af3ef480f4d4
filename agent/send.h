/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sends the frames of the supervisor, which are queued, and frames that
 * executors have deferred: those too large for one write, those of which a
 * write took only a part, and all frames of an executor without the link's
 * descriptor.
 *
 * No function here waits, neither for the lock, which an executor may have, nor
 * for the runner to read.
 */
#ifndef AGENT_SEND_H
#define AGENT_SEND_H

#include "agent/roster.h"

/* Queues one frame; the loop sends it.  Without a link it is dropped. */
void send_frame(struct supervisor *s, const struct wire_header *hdr,
		const struct wire_desc *desc, const void *msg);
/* Sends as much of the queued and deferred frames as the link takes now. */
void send_pending(struct supervisor *s);
/* Returns true if the link must be polled for POLLOUT. */
bool send_wants_out(const struct supervisor *s);
/*
 * Returns how many milliseconds to poll at most before send_pending() is due;
 * -1: no limit.
 */
int send_poll_ms(struct supervisor *s);
/*
 * Sends all that is queued, for at most limit_ms.  To be called before the
 * guest ends.
 */
void send_flush(struct supervisor *s, int limit_ms);
/* Drops all queued and deferred frames, because the link has ended. */
void send_reset(struct supervisor *s);
/*
 * To be called when an executor has died: queues the rest of its frame, if it
 * has one, and takes the lock from it.  If that frame names a new worker or
 * job, the worker or job does not end with the executor.  Returns true if the
 * executor's reply has been or will be sent.
 */
bool send_take_from_dead(struct supervisor *s, uint32_t channel);

#endif
