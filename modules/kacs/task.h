/* SPDX-License-Identifier: GPL-2.0-only */
/* Which task has which token. */
#ifndef KACS_TASK_H
#define KACS_TASK_H

#include <linux/atomic.h>

struct kacs_token;
struct task_struct;

/* Number of tasks with another token than SYSTEM's. */
extern atomic_t kacs_nr_tasks;

int kacs_task_init(void);
/* To be called after the last system call; removes all entries. */
void kacs_task_exit(void);

/*
 * Returns the task's token, with a reference for the caller.  A task that is
 * older than the module has SYSTEM's token until it installs another; a later
 * one has the token that its parent had at the fork.  -ESRCH: the task has
 * none, because it is exiting, or there was no memory for its entry.
 */
struct kacs_token *kacs_task_token(const struct task_struct *task);

/* Makes @token the current task's token.  -ENOMEM. */
int kacs_task_install(struct kacs_token *token);

#endif
