// SPDX-License-Identifier: GPL-2.0-only
/* Carries out one request and replies. */
#include "agent/executor/answer.h"
#include "agent/executor/serve.h"

/* Size from which a request's pages are freed after use. */
#define LARGE_BYTES (1u << 20)

/*
 * The reply has been sent: the worker or jobs that it names do not end with
 * this executor.
 */
static void let_go(struct executor *ex)
{
	struct shared *shared = ex->shared;

	for (uint32_t i = 0; i < JOBS; i++)
		if (atomic_load(&shared->jobs[i].starter) == ex->channel)
			atomic_store(&shared->jobs[i].starter, 0);
	for (uint32_t i = 0; i < atomic_load(&shared->high); i++)
		if (atomic_load(&shared->box[i].starter) == ex->channel)
			atomic_store(&shared->box[i].starter, 0);
	ex->started = false;
}

void executor_serve(struct executor *ex)
{
	uint64_t rep[MAX_STRUCT / sizeof(uint64_t)] = { 0 };
	struct mailbox *box = ex->box;
	uint32_t replying = BOX_REPLYING;
	size_t n;

	ex->arena.used = 0;
	ex->streamed = false;
	if (ex->run_op(ex, box->req.op, box->in, box->req.len, rep))
		n = executor_make_frame(ex, WIRE_FAIL, &wire_desc_fail, &ex->fail);
	else
		n = executor_make_frame(ex, WIRE_REPLY,
					wire_op_by_number(box->req.op)->rep, rep);
	if (box->req.len > LARGE_BYTES)
		frame_forget(box->in);
	atomic_store(&box->busy, BOX_REPLYING);
	executor_send_out(ex, n);
	if (ex->started)
		let_go(ex);
	/* If the next request has arrived already, the state stays busy. */
	atomic_compare_exchange_strong(&box->busy, &replying, BOX_IDLE);
}
