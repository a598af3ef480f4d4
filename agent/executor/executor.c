// SPDX-License-Identifier: GPL-2.0-only
/* Takes requests from the link or the mailbox, one after the other. */
#include <sys/mman.h>

#include "agent/executor/answer.h"
#include "agent/executor/executor.h"
#include "agent/executor/read_link.h"
#include "agent/executor/serve.h"
#include "agent/shared/futex.h"

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
			/*
			 * Now the supervisor can give this executor the role of
			 * reading the link.
			 */
			executor_wake_supervisor(ex);
		} else {
			futex_wait(&box->doorbell, doorbell);
		}
	}
}
