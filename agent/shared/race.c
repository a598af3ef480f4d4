// SPDX-License-Identifier: GPL-2.0-only
/* Lets the two sides of a race meet. */
#include <errno.h>
#include <string.h>

#include "agent/shared/futex.h"
#include "agent/shared/race.h"

#define SPINS 4000			/* some tens of microseconds */

static struct mailbox *holder_of(struct shared *shared, const struct mailbox *box)
{
	uint32_t holder = atomic_load(&box->race_at) >> 1;

	return holder >= 1 && holder <= CHANNELS ? &shared->box[holder - 1] : NULL;
}

static void set_mark(struct meeting *m, uint32_t side, uint32_t race, uint32_t at)
{
	atomic_store(&m->mark[side], (uint64_t)race << 32 | at);
	atomic_fetch_add(&m->bell[side], 1);
	if (atomic_load(&m->asleep[!side]))
		futex_wake(&m->bell[side]);
}

int race_join(struct shared *shared, struct mailbox *box, uint32_t race,
	      uint32_t holder, uint32_t side)
{
	if (holder < 1 || holder > CHANNELS || side > 1)
		return -EINVAL;
	atomic_store(&box->race_at, holder << 1 | side);
	atomic_store(&box->race, race);
	set_mark(&holder_of(shared, box)->meeting, side, race, 0);
	return 0;
}

void race_finish(struct mailbox *box)
{
	atomic_store(&box->race, 0);
}

void race_leave(struct shared *shared, struct mailbox *box)
{
	struct mailbox *holder = holder_of(shared, box);
	uint32_t race = atomic_exchange(&box->race, 0);

	if (race && holder)
		set_mark(&holder->meeting, atomic_load(&box->race_at) & 1, race,
			 RACE_OVER);
}

void race_forfeit(struct shared *shared, const struct wire_header *hdr, const void *payload)
{
	/* The first fields of wire_batch: rounds, race, holder, side. */
	uint32_t f[RACE_FIELDS_BYTES / 4];

	if (hdr->op != WIRE_OP_batch || hdr->len < sizeof(f))
		return;
	memcpy(f, payload, sizeof(f));
	if (f[1] && f[2] >= 1 && f[2] <= CHANNELS && f[3] <= 1)
		set_mark(&shared->box[f[2] - 1].meeting, f[3], f[1], RACE_OVER);
}

/*
 * Waits until the other side has reached meeting number `at`.  Returns false if
 * that side has left the race.
 */
static bool await(struct meeting *m, uint32_t side, uint32_t race, uint32_t at)
{
	_Atomic uint64_t *other = &m->mark[!side];

	for (unsigned int spins = 0;; spins++) {
		uint32_t rung = atomic_load(&m->bell[!side]);
		uint64_t seen = atomic_load(other);

		if (seen >> 32 == race && (uint32_t)seen >= at)
			return (uint32_t)seen != RACE_OVER;
		if (spins < SPINS) {
			__builtin_ia32_pause();
			continue;
		}
		atomic_store(&m->asleep[side], 1);
		if (atomic_load(other) == seen)
			futex_wait(&m->bell[!side], rung);
		atomic_store(&m->asleep[side], 0);
	}
}

bool race_meet(struct shared *shared, struct mailbox *box)
{
	uint32_t race = atomic_load(&box->race), side, at;
	struct meeting *m;

	if (!race)
		return true;
	m = &holder_of(shared, box)->meeting;
	side = atomic_load(&box->race_at) & 1;
	at = (uint32_t)atomic_load(&m->mark[side]);
	for (int i = 1; i <= 2; i++) {
		set_mark(m, side, race, at + (uint32_t)i);
		if (!await(m, side, race, at + (uint32_t)i))
			return false;
	}
	return true;
}
