// SPDX-License-Identifier: GPL-2.0-only
/* Handles the ops abort and end_worker. */
#include <signal.h>

#include "agent/abort.h"
#include "agent/death.h"
#include "agent/guest/task_report.h"
#include "agent/reply.h"

static void abort_all(struct supervisor *s)
{
	char ignored[64];

	for_each_channel(s, channel)
		abort_call(s, channel, false, ignored, sizeof(ignored));
}

enum wire_aborted abort_call(struct supervisor *s, uint32_t channel, bool give_up,
			     char *report, size_t cap)
{
	struct mailbox *box = channel >= 1 && channel <= CHANNELS ? roster_box(s, channel) : NULL;
	pid_t command;

	if (channel == WIRE_SUPERVISOR)
		abort_all(s);
	if (!box || !mailbox_is_on(box) || atomic_load(&box->busy) != BOX_BUSY)
		return WIRE_ABORTED_NOTHING;
	if (give_up) {
		death_abandon(s, channel);
		return WIRE_ABORTED_EXECUTOR;
	}
	command = atomic_load(&box->command);
	task_report(command > 1 ? task_waited_for(command) : atomic_load(&box->tid), report, cap);
	if (command > 1)
		kill(-command, SIGKILL);
	else
		roster_end_executor(box);
	return command > 1 ? WIRE_ABORTED_COMMAND : WIRE_ABORTED_EXECUTOR;
}

void abort_worker(struct supervisor *s, const struct wire_header *hdr, uint32_t channel)
{
	struct mailbox *box = channel > WIRE_EXECUTOR && channel <= CHANNELS ?
		roster_box(s, channel) : NULL;

	if (!box || atomic_load(&box->life) == LIFE_NONE ||
	    atomic_load(&box->life) == LIFE_STARTING) {
		reply_fail(s, hdr, WIRE_REASON_BAD, "no such worker");
		return;
	}
	roster_entry(s, channel)->end_request = *hdr;
	roster_entry(s, channel)->ending = true;
	if (mailbox_is_on(box))
		roster_end_executor(box);
	else
		death_answer_end_worker(s, channel);
}
