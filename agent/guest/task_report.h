/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task is stuck; for the message about a call that passed its deadline.
 */
#ifndef AGENT_GUEST_TASK_REPORT_H
#define AGENT_GUEST_TASK_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* For half a second, tasks that were killed may be on their way out. */
#define TASK_LOOKS 50

/*
 * Appends the task's state, system call and kernel stack to the string in
 * report, as lines.
 * For a task in uninterruptible sleep, adds the kernel's report on all blocked
 * tasks.
 */
void task_report(pid_t task, char *report, size_t cap);

/*
 * Returns whether a task that was killed goes on running.  Waits for its end,
 * for 10 ms at a time, and subtracts from *looks, which never gets below -1,
 * how many times it has waited; returns false if the task sleeps.
 */
bool task_goes_on(pid_t task, int *looks);

/*
 * Returns the process that a command waits for: its last child, the last child
 * of that one, and so on.  Returns pid itself if that process has no children.
 */
pid_t task_waited_for(pid_t pid);

#endif
