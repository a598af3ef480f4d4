// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many calls in one request, and two of those at once: a race.
 *
 * In a race both sides make the same number of calls.  Before each they meet
 * twice: the first time whoever waits may sleep, the second time both are
 * awake, and a few spins apart.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "agent/ops/ops.h"

#define SPINS 4000			/* some tens of microseconds */
#define MAX_RESULTS (1u << 20)

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

static void leave(struct shared *shared, struct mailbox *box)
{
	struct mailbox *holder = holder_of(shared, box);
	uint32_t race = atomic_exchange(&box->race, 0);

	if (race && holder)
		set_mark(&holder->meeting, atomic_load(&box->race_at) & 1, race,
			 RACE_OVER);
}

void race_forfeit(struct shared *shared, const struct wire_header *hdr, const void *payload)
{
	uint32_t f[4];		/* rounds, race, holder, side: the batch's first fields */

	if (hdr->op != WIRE_OP_batch || hdr->len < sizeof(f))
		return;
	memcpy(f, payload, sizeof(f));
	if (f[1] && f[2] >= 1 && f[2] <= CHANNELS && f[3] <= 1)
		set_mark(&shared->box[f[2] - 1].meeting, f[3], f[1], RACE_OVER);
}

/* Until the other side has been here as often as we.  False: it has left. */
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

bool race_meet(struct executor *ex)
{
	uint32_t race = atomic_load(&ex->box->race), side, at;
	struct meeting *m;

	if (!race)
		return true;
	m = &holder_of(ex->shared, ex->box)->meeting;
	side = atomic_load(&ex->box->race_at) & 1;
	at = (uint32_t)atomic_load(&m->mark[side]);
	for (int i = 1; i <= 2; i++) {
		set_mark(m, side, race, at + (uint32_t)i);
		if (!await(m, side, race, at + (uint32_t)i))
			return false;
	}
	return true;
}

/* Each side on a processor of its own, if it may use two. */
static void pin(uint32_t side, cpu_set_t *before)
{
	cpu_set_t one;
	int skip = (int)side;

	CPU_ZERO(before);
	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(*before), before) || CPU_COUNT(before) < 2)
		return;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, before) && !skip--)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void unpin(const cpu_set_t *before)
{
	if (CPU_COUNT(before) >= 2)
		sched_setaffinity(0, sizeof(*before), before);
}

/* The result is encoded in the outgoing mailbox, then kept where the call's scratch was. */
static int keep(struct executor *ex, size_t mark, const struct wire_desc *desc,
		const void *msg, struct wire_result *result)
{
	size_t n = wire_encode(desc, msg, ex->box->out, WIRE_MAX);
	uint8_t *kept;

	ex->arena.used = mark;
	kept = n > WIRE_MAX ? NULL : executor_scratch(ex, n);
	if (!kept)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "the results do not fit into one reply; make fewer calls");
	memcpy(kept, ex->box->out, n);
	result->payload = (struct wire_bytes){ kept, (uint32_t)n };
	return 0;
}

static int make_call(struct executor *ex, const struct wire_item *item,
		     struct wire_result *result)
{
	const struct wire_op_desc *op = wire_op_by_number(item->op);
	uint64_t rep[MAX_STRUCT / sizeof(uint64_t)] = { 0 };
	size_t mark = ex->arena.used;
	int ret;

	if (item->op == WIRE_OP_batch || item->op == WIRE_OP_spawn)
		ret = executor_fail(ex, WIRE_REASON_BAD, 0, "not in a batch");
	else
		ret = executor_run(ex, item->op, item->payload.p,
				   item->payload.len, rep);
	if (ex->streamed)
		ret = executor_fail(ex, WIRE_REASON_BAD, 0, "it streams: not in a batch");
	ex->streamed = false;
	result->kind = ret ? WIRE_FAIL : WIRE_REPLY;
	if (ret)
		return keep(ex, mark, &wire_desc_fail, &ex->fail, result);
	return keep(ex, mark, op->rep, rep, result);
}

static int make_calls(struct executor *ex, const struct wire_batch_req *q,
		      struct wire_list *results)
{
	const struct wire_item *calls = q->calls.items;
	struct wire_result *result = results->items;

	for (uint32_t r = 0; r < q->rounds; r++) {
		for (uint32_t i = 0; i < q->calls.nr; i++, result++) {
			if (make_call(ex, &calls[i], result))
				return -1;
			results->nr++;
			/* A side that did not meet the other would leave it waiting. */
			if (q->race && result->kind == WIRE_FAIL)
				return 0;
		}
	}
	/* The other may yet be on its way out of our last meeting. */
	atomic_store(&ex->box->race, 0);
	return 0;
}

static int race_join(struct executor *ex, const struct wire_batch_req *q)
{
	struct mailbox *box = ex->box;

	if (q->holder < 1 || q->holder > CHANNELS || q->side > 1)
		return executor_fail(ex, WIRE_REASON_BAD, 0, "no such race");
	atomic_store(&box->race_at, q->holder << 1 | q->side);
	atomic_store(&box->race, q->race);
	set_mark(&holder_of(ex->shared, box)->meeting, q->side, q->race, 0);
	return 0;
}

int do_batch(struct executor *ex, const struct wire_batch_req *q,
	     struct wire_batch_rep *p)
{
	uint64_t nr = (uint64_t)q->rounds * q->calls.nr;
	cpu_set_t before = { 0 };
	int ret;

	if (nr <= MAX_RESULTS)
		p->results.items = executor_scratch(ex, nr * sizeof(struct wire_result));
	if (!p->results.items)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "%llu calls are too many for one reply",
				     (unsigned long long)nr);
	ex->in_batch = true;
	ret = q->race ? race_join(ex, q) : 0;
	if (q->race && !ret)
		pin(q->side, &before);
	if (!ret)
		ret = make_calls(ex, q, &p->results);
	leave(ex->shared, ex->box);
	if (q->race)
		unpin(&before);
	ex->in_batch = false;
	return ret;
}
