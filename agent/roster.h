/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor's table of channels: the executor of each, and how it ended.
 */
#ifndef AGENT_ROSTER_H
#define AGENT_ROSTER_H

#include "agent/supervisor.h"

static inline struct mailbox *roster_box(struct supervisor *s, uint32_t channel)
{
	return &s->shared->box[channel - 1];
}

static inline struct roster_entry *roster_entry(struct supervisor *s, uint32_t channel)
{
	return &s->roster[channel - 1];
}

static inline bool mailbox_is_on(const struct mailbox *box)
{
	return atomic_load(&box->life) == LIFE_ON;
}

/* Iterates over every channel that was ever used. */
#define for_each_channel(s, channel)					\
	for (uint32_t channel = 1;					\
	     channel <= atomic_load(&(s)->shared->high); channel++)

/* Maps the memory that executors share.  0 or -ENOMEM. */
int roster_init(struct supervisor *s);
/* Forks the VM's own executor (channel 1).  0 or -errno. */
int roster_start_executor(struct supervisor *s);
/*
 * Writes the executor's name for messages, such as "worker 2 (pid 71)".
 * Returns its length.
 */
int roster_name(struct supervisor *s, uint32_t channel, char *text, size_t cap);
/* Frees a channel for another worker. */
void roster_forget(struct supervisor *s, uint32_t channel);
/* Kills the executor's process, or ends its thread. */
void roster_end_executor(struct mailbox *box);
/* Kills all executors and jobs. */
void roster_kill_all(struct supervisor *s);

#endif
