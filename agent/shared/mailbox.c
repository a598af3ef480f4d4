// SPDX-License-Identifier: GPL-2.0-only
/* Sets up a mailbox for a new executor, and rings its doorbell. */
#include "agent/shared/futex.h"
#include "agent/shared/mailbox.h"

void mailbox_reset(struct mailbox *box, bool no_role)
{
	atomic_store(&box->pid, 0);
	atomic_store(&box->tid, 0);
	atomic_store(&box->thread, 0);
	atomic_store(&box->starter, 0);
	atomic_store(&box->alive, 0);
	atomic_store(&box->posted, 0);
	atomic_store(&box->no_role, no_role);
	atomic_store(&box->busy, BOX_IDLE);
	atomic_store(&box->deferred, 0);
	atomic_store(&box->command, 0);
	atomic_store(&box->race, 0);
	mailbox_unsent(box);
}

void mailbox_ring(struct mailbox *box)
{
	atomic_fetch_add(&box->doorbell, 1);
	futex_wake(&box->doorbell);
}
