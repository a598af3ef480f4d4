/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task is stuck; for the message about a call that passed its deadline.
 */
#ifndef AGENT_GUEST_TASK_REPORT_H
#define AGENT_GUEST_TASK_REPORT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Appends the task's state, system call and kernel stack to the string in
 * report, as lines.
 * For a task in uninterruptible sleep, adds the kernel's report on all blocked
 * tasks.
 */
void task_report(pid_t task, char *report, size_t cap);

/*
 * Makes the kernel log where a task that was killed loops, unless the task ends
 * or sleeps within half a second.
 */
void task_report_loop(pid_t task);

/*
 * Returns the process that a command waits for: its last child, the last child
 * of that one, and so on.  Returns pid itself if that process has no children.
 */
pid_t task_waited_for(pid_t pid);

#endif
