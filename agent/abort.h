/* SPDX-License-Identifier: GPL-2.0-only */
/* Ends calls and workers at the runner's request. */
#ifndef AGENT_ABORT_H
#define AGENT_ABORT_H

#include "agent/roster.h"

/*
 * Ends the call of a channel (0: of all channels): kills its command if it runs
 * one, else its executor.  With give_up, abandons an executor that has not died
 * after being killed.  Returns what was done; writes to report where the task
 * of the call was.
 */
enum wire_aborted abort_call(struct supervisor *s, uint32_t channel, bool give_up,
			     char *report, size_t cap);
/* Ends a worker, and answers the request when the worker has ended. */
void abort_worker(struct supervisor *s, const struct wire_header *hdr, uint32_t channel);

#endif
