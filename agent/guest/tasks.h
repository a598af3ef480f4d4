/* SPDX-License-Identifier: GPL-2.0-only */
/* The tasks of calls and jobs, read from /proc without stopping them. */
#ifndef AGENT_GUEST_TASKS_H
#define AGENT_GUEST_TASKS_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/wire/wire.h"

/* Tasks, with the memory of their strings. */
struct tasks {
	uint32_t nr;
	bool more;			/* there were more than WIRE_TASKS */
	struct wire_task task[WIRE_TASKS];
	char name[WIRE_TASKS][16];	/* TASK_COMM_LEN */
	char place[WIRE_TASKS][64];
};

/*
 * Reads the letter of the task's state, as in proc(5), and the pid of its
 * parent; either can be NULL.  Returns false if there is no such task.
 */
bool tasks_stat(pid_t tid, char *state, pid_t *parent);

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
