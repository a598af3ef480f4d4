/* SPDX-License-Identifier: GPL-2.0-only */
/* The tasks of calls and jobs, read from /proc without stopping them. */
#ifndef AGENT_GUEST_TASKS_H
#define AGENT_GUEST_TASKS_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

#define TASKS_MAX 64u

/* Tasks, with the memory of their strings. */
struct tasks {
	uint32_t nr;
	bool more;			/* there were more than TASKS_MAX */
	struct wire_task task[TASKS_MAX];
	char name[TASKS_MAX][16];	/* TASK_COMM_LEN */
	char place[TASKS_MAX][64];
};

/* Adds one thread, that of an executor. */
void tasks_add(struct tasks *t, uint32_t channel, pid_t tid);

/* The first process of a command or a job. */
struct tasks_root {
	uint32_t channel;
	pid_t pid;
};

/* Adds all threads of these processes and of those below them. */
void tasks_add_below(struct tasks *t, const struct tasks_root *roots, size_t nr);

/*
 * Returns the time in which processors were not idle, or waited for a disk,
 * which the host may be slow to serve; added up.  0: unknown.
 */
uint64_t tasks_busy_ns(void);

#endif
