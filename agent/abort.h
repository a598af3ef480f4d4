/* SPDX-License-Identifier: GPL-2.0-only */
/* Ends calls and workers at the runner's request. */
#ifndef AGENT_ABORT_H
#define AGENT_ABORT_H

#include "agent/roster.h"

/*
 * Ends the call of a channel (0: of all channels): kills its command if it runs
 * one, else its executor.  With give_up, abandons an executor that has not died
 * after being killed.  Returns what was done.  Appends to the string in report
 * where the task of the call was; for all channels, after a line with the
 * executor's name.  The second time, also for a call that has ended meanwhile,
 * has the kernel log where that task loops in the kernel, if it does.
 */
enum wire_aborted abort_call(struct supervisor *s, uint32_t channel, bool give_up,
			     char *report, size_t cap);
/* Ends a worker, and answers the request when the worker has ended. */
void abort_worker(struct supervisor *s, const struct wire_header *hdr, uint32_t channel);

#endif
