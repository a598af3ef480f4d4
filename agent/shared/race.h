/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A race: the same number of system calls on each of two channels, at the same
 * time.
 *
 * Before each call the two sides meet twice.  At the first meeting a side that
 * must wait may sleep; at the second both are awake, and less than a
 * microsecond apart.  The sides find each other in the mailbox of the channel
 * that holds the race.
 */
#ifndef AGENT_SHARED_RACE_H
#define AGENT_SHARED_RACE_H

#include "agent/shared/shared.h"

/*
 * Makes the mailbox's executor one side (0 or 1) of a race, whose number no
 * other race has.  -EINVAL: there is no such holder or side.
 */
int race_join(struct shared *shared, struct mailbox *box, uint32_t race,
	      uint32_t holder, uint32_t side);
/*
 * To be called before each system call: waits for the other side of the race;
 * returns at once if the executor is in no race.  Returns false if the other
 * side has left the race.
 */
bool race_meet(struct shared *shared, struct mailbox *box);
/*
 * To be called after the last system call of a race.  Waits, because the other
 * side may not have left the last meeting yet.
 */
void race_finish(struct mailbox *box);
/*
 * Leaves the race, if the executor is in one: the other side no longer waits.
 */
void race_leave(struct shared *shared, struct mailbox *box);
#define RACE_FIELDS_BYTES 16u		/* the start of a batch request that race_forfeit() reads */

/*
 * To be called for a request that will not be carried out: if it is a side of a
 * race, the other side does not wait for it.
 */
void race_forfeit(struct shared *shared, const struct wire_header *hdr, const void *payload);

#endif
