/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a task is stuck, for the report on a call past its deadline. */
#ifndef AGENT_GUEST_TASK_REPORT_H
#define AGENT_GUEST_TASK_REPORT_H

#include <stddef.h>
#include <sys/types.h>

/* Writes the task's state, system call and kernel stack to report, as lines; for
 * one in uninterruptible sleep also what the kernel says of all blocked tasks. */
void task_report(pid_t task, char *report, size_t cap);

#endif
