/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of executors: takes back what they held, and tells the runner. */
#ifndef AGENT_DEATH_H
#define AGENT_DEATH_H

#include "agent/roster.h"

/* A child has ended or stopped; status is as waitpid(2) has it. */
void death_of_child(struct supervisor *s, pid_t pid, int status);
/* A thread worker has ended. */
void death_of_thread(struct supervisor *s, uint32_t channel);
/* Gives an executor up that was killed and does not end: it is stuck in the
 * kernel, and will not run again. */
void death_abandon(struct supervisor *s, uint32_t channel);
/* Answers a request with how the channel's executor ended. */
void death_report(struct supervisor *s, const struct wire_header *req);
/* Answers end_worker: the worker is gone, its channel is free. */
void death_answer_end_worker(struct supervisor *s, uint32_t channel);

#endif
