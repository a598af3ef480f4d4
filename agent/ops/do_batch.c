// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op batch: many calls in one request.  Two such requests at the same time
 * are a race.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "agent/ops/dispatch.h"
#include "agent/ops/ops.h"
#include "agent/shared/race.h"

#define MAX_RESULTS (1u << 20)

/*
 * Puts each side of a race on its own processor, if the executor may use two.
 */
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

/*
 * Encodes the result of a call in the mailbox's `out`, then keeps a copy of it
 * in the scratch memory, in place of all that the call had there.
 */
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
		ret = executor_fail(ex, WIRE_REASON_BAD, 0, "a batch cannot contain this op");
	else
		ret = op_run(ex, item->op, item->payload.p, item->payload.len, rep);
	if (ex->streamed)
		ret = executor_fail(ex, WIRE_REASON_BAD, 0, "a batch cannot contain an op that sends data frames");
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
			/*
			 * This side of a race made no call, so the other side
			 * must not wait for it at the next meeting.
			 */
			if (q->race && result->kind == WIRE_FAIL)
				return 0;
		}
	}
	race_finish(ex->box);
	return 0;
}

static int join(struct executor *ex, const struct wire_batch_req *q)
{
	if (race_join(ex->shared, ex->box, q->race, q->holder, q->side))
		return executor_fail(ex, WIRE_REASON_BAD, 0, "no such race");
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
				     "%llu calls are too many for one reply; make fewer",
				     (unsigned long long)nr);
	ex->in_batch = true;
	ret = q->race ? join(ex, q) : 0;
	if (q->race && !ret)
		pin(q->side, &before);
	if (!ret)
		ret = make_calls(ex, q, &p->results);
	race_leave(ex->shared, ex->box);
	if (q->race)
		unpin(&before);
	ex->in_batch = false;
	return ret;
}
