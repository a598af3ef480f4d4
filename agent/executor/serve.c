// SPDX-License-Identifier: GPL-2.0-only
/* Carries out one request and replies. */
#include "agent/executor/answer.h"
#include "agent/executor/serve.h"

/* Size from which a request's pages are freed after use. */
#define LARGE_BYTES (1u << 20)

void executor_serve(struct executor *ex)
{
	uint64_t rep[MAX_STRUCT / sizeof(uint64_t)] = { 0 };
	struct mailbox *box = ex->box;
	uint32_t replying = BOX_REPLYING;
	size_t n;

	mailbox_unsent(box);		/* `out` still has the previous reply */
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
		shared_let_go(ex->shared, ex->channel);
	ex->started = false;
	/* If the next request has arrived already, the mailbox stays busy. */
	atomic_compare_exchange_strong(&box->busy, &replying, BOX_IDLE);
}
