/* SPDX-License-Identifier: GPL-2.0-only */
/* Which task has which token. */
#ifndef KACS_TASK_H
#define KACS_TASK_H

#include <linux/atomic.h>

struct kacs_token;
struct task_struct;

extern atomic_t kacs_nr_tasks;		/* that have another token than SYSTEM's */

int kacs_task_init(void);
void kacs_task_exit(void);		/* after the last system call: all are let go of */

/*
 * The task's token, with a reference for the caller. A task that was there before the
 * module was loaded is SYSTEM until it installs another; a later one has what its parent
 * had when it was born. -ESRCH: none, because it is exiting, or there was no memory for
 * one at its birth.
 */
struct kacs_token *kacs_task_token(const struct task_struct *task);

/* Makes it the current task's. -ENOMEM. */
int kacs_task_install(struct kacs_token *token);

#endif
