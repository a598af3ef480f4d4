// SPDX-License-Identifier: GPL-2.0-only
/* Passes requests that the supervisor has read to their executors. */
#include "agent/death.h"
#include "agent/post.h"
#include "agent/reply.h"
#include "agent/shared/race.h"

/*
 * Can the channel's executor take the request? If not, this function has
 * answered it.
 */
static bool can_take(struct supervisor *s, const struct wire_header *hdr)
{
	struct mailbox *box = hdr->channel <= CHANNELS ? roster_box(s, hdr->channel) : NULL;
	uint32_t life = box ? atomic_load(&box->life) : LIFE_NONE;

	if (!box || (hdr->channel != WIRE_EXECUTOR && life != LIFE_ON && life != LIFE_OVER))
		reply_fail(s, hdr, WIRE_REASON_BAD, "no such channel");
	else if (life == LIFE_ON && atomic_load(&box->busy) == BOX_BUSY)
		reply_fail(s, hdr, WIRE_REASON_BUSY,
			   "the executor is still busy with an earlier call");
	else if (life != LIFE_ON && roster_entry(s, hdr->channel)->death_report[0])
		death_report(s, hdr);
	else if (life != LIFE_ON && roster_start_executor(s))
		reply_fail(s, hdr, WIRE_REASON_GONE, "cannot start an executor: fork failed");
	else
		return true;
	return false;
}

void post_request(struct supervisor *s, const struct wire_header *hdr)
{
	uint8_t start[RACE_FIELDS_BYTES];
	struct mailbox *box;

	if (!can_take(s, hdr)) {
		link_payload(&s->link, start, hdr->len < sizeof(start) ? hdr->len : sizeof(start));
		race_forfeit(s->shared, hdr, start);
		return;
	}
	box = roster_box(s, hdr->channel);
	box->req = *hdr;
	link_payload(&s->link, box->in, hdr->len);
	atomic_store(&box->busy, BOX_BUSY);
	atomic_fetch_add(&box->posted, 1);
	mailbox_ring(box);
	atomic_store(&s->shared->recent, hdr->channel);
}
