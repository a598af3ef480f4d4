/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of executors: takes back what they held, and reports to the runner.
 */
#ifndef AGENT_DEATH_H
#define AGENT_DEATH_H

#include "agent/roster.h"

/* Handles a child that has ended or stopped; status is that of waitpid(2). */
void death_of_child(struct supervisor *s, pid_t pid, int status);
/* Handles the end of a thread worker. */
void death_of_thread(struct supervisor *s, uint32_t channel);
/*
 * Gives up an executor that was killed and does not end: it is stuck in the
 * kernel, and will not run again.
 */
void death_abandon(struct supervisor *s, uint32_t channel);
/* Answers a request by reporting how the channel's executor ended. */
void death_report(struct supervisor *s, const struct wire_header *req);
/* Answers end_worker: the worker has ended, and its channel is free. */
void death_answer_end_worker(struct supervisor *s, uint32_t channel);

#endif
