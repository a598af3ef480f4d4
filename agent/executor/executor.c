// SPDX-License-Identifier: GPL-2.0-only
/* The executor's loop: gets a request, carries it out, replies. */
#include <string.h>
#include <sys/mman.h>

#include "agent/executor/internal.h"
#include "agent/shared/futex.h"

#define LARGE_BYTES (1u << 20)		/* a request whose pages are given back */

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
	/* The next request may be there already: then it stays busy. */
	atomic_compare_exchange_strong(&box->busy, &replying, BOX_IDLE);
}

void executor_main(struct executor *ex)
{
	struct mailbox *box = ex->box;
	uint32_t done = 0;

	if (!ex->arena.base) {
		ex->arena.base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				      -1, 0);
		ex->arena.size = ex->arena.base == MAP_FAILED ? 0 : ARENA_SIZE;
	}
	for (;;) {
		uint32_t doorbell = atomic_load(&box->doorbell);

		executor_follow_link(ex);
		if (atomic_load(&ex->link.state->role) == link_reader(ex->channel)) {
			executor_read_link(ex);
		} else if (atomic_load(&box->posted) != done) {
			done++;
			executor_serve(ex);
			executor_wake_supervisor(ex);	/* it can give us the role */
		} else {
			futex_wait(&box->doorbell, doorbell);
		}
	}
}
