// SPDX-License-Identifier: GPL-2.0-only
/* Sends the frames that executors have deferred. */
#include "agent/deferred_reply.h"
#include "agent/shared/futex.h"

void deferred_reply_send(struct supervisor *s, uint32_t channel)
{
	struct mailbox *box = roster_box(s, channel);
	uint32_t from = atomic_load(&box->deferred_from);
	struct wire_header hdr;

	if (!atomic_load(&box->deferred))
		return;
	/* An executor that has sent a part of the frame still holds the lock. */
	if (atomic_load(&s->link.state->owner) != channel + 1)
		link_lock(s->link.state, channel);
	if (!wire_get_header(box->out, &hdr) &&
	    from <= WIRE_HEADER + hdr.len && s->link.fd >= 0)
		link_write(s->link.fd, box->out + from,
			   WIRE_HEADER + hdr.len - from);
	link_unlock(s->link.state);
	frame_forget(box->out);
	atomic_store(&box->deferred, 0);
	futex_wake(&box->deferred);
}

void deferred_reply_send_all(struct supervisor *s)
{
	for_each_channel(s, channel)
		deferred_reply_send(s, channel);
}
