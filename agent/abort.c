// SPDX-License-Identifier: GPL-2.0-only
/* Handles the ops abort and end_worker. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/abort.h"
#include "agent/death.h"
#include "agent/guest/kernel_log.h"
#include "agent/guest/task_report.h"
#include "agent/reply.h"

/* A request to abort calls. */
struct request {
	bool give_up;
	char *report;
	size_t cap;
	int looks;			/* see task_goes_on() */
	char loops[KERNEL_LOG_TASKS];	/* see kernel_log_loops() */
};

/* Notes a task that loops although its call was aborted. */
static void note_loop(struct roster_entry *m, struct request *r)
{
	size_t used = strlen(r->loops);

	if (m->aborted && task_goes_on(m->aborted, &r->looks) && used + 12 < sizeof(r->loops))
		sprintf(r->loops + used, " %d", m->aborted);
	m->aborted = 0;
}

/* Ends a channel's call as abort_call() does, and reports where it is. */
static enum wire_aborted end_call(struct supervisor *s, uint32_t channel, struct request *r)
{
	struct mailbox *box = roster_box(s, channel);
	struct roster_entry *m = roster_entry(s, channel);
	pid_t command = atomic_load(&box->command);

	if (m->aborted && m->aborted_tag == box->req.tag) {
		note_loop(m, r);
	} else {
		m->aborted = command > 1 ? task_waited_for(command) : atomic_load(&box->tid);
		m->aborted_tag = box->req.tag;
		task_report(m->aborted, r->report, r->cap);
	}
	if (command > 1)
		kill(-command, SIGKILL);
	else
		roster_end_executor(box);
	return command > 1 ? WIRE_ABORTED_COMMAND : WIRE_ABORTED_EXECUTOR;
}

static enum wire_aborted abort_one(struct supervisor *s, uint32_t channel, struct request *r)
{
	struct mailbox *box = roster_box(s, channel);
	bool is_busy = mailbox_is_on(box) && atomic_load(&box->busy) == BOX_BUSY;

	if (is_busy && !r->give_up)
		return end_call(s, channel, r);
	note_loop(roster_entry(s, channel), r);
	if (!is_busy)
		return WIRE_ABORTED_NOTHING;
	death_abandon(s, channel);
	return WIRE_ABORTED_EXECUTOR;
}

static void abort_all(struct supervisor *s, struct request *r)
{
	char name[64];

	for_each_channel(s, channel) {
		size_t used = strlen(r->report), named = used;

		roster_name(s, channel, name, sizeof(name));
		if (used + sizeof(name) + 2 < r->cap)
			named += (size_t)sprintf(r->report + used, "%s:\n", name);
		abort_one(s, channel, r);
		if (!r->report[named])
			r->report[used] = 0;
	}
}

enum wire_aborted abort_call(struct supervisor *s, uint32_t channel, bool give_up,
			     char *report, size_t cap)
{
	struct request r = { give_up, report, cap, TASK_LOOKS, "" };
	enum wire_aborted aborted = WIRE_ABORTED_NOTHING;

	if (channel >= 1 && channel <= CHANNELS)
		aborted = abort_one(s, channel, &r);
	else if (channel == WIRE_SUPERVISOR)
		abort_all(s, &r);
	if (*r.loops)
		kernel_log_loops(r.loops);
	return aborted;
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
