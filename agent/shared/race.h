/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A race: the same number of system calls on each of two channels, at once.
 *
 * Before each call the two sides meet twice: at the first meeting a side that
 * has to wait may sleep; at the second both are awake, and a few spins apart.
 * The sides find each other in the mailbox of the channel that holds the race.
 */
#ifndef AGENT_SHARED_RACE_H
#define AGENT_SHARED_RACE_H

#include "agent/shared/shared.h"

/* Makes the mailbox's executor one side (0 or 1) of a race, whose number no
 * other race has.  -EINVAL: there is no such holder or side. */
int race_join(struct shared *shared, struct mailbox *box, uint32_t race,
	      uint32_t holder, uint32_t side);
/* Before each system call: waits for the other side.  At once without a race.
 * False: the other side has left. */
bool race_meet(struct shared *shared, struct mailbox *box);
/* After the last call: the other side may still be at our last meeting. */
void race_finish(struct mailbox *box);
/* Leaves the race, if it is in one: the other side does not wait any more. */
void race_leave(struct shared *shared, struct mailbox *box);
#define RACE_FIELDS_BYTES 16u		/* the start of a batch request that race_forfeit() reads */

/* For a request that will not be carried out: if it is a side of a race, the
 * other side does not wait for it. */
void race_forfeit(struct shared *shared, const struct wire_header *hdr, const void *payload);

#endif
