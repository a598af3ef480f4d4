/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that an executor creates and that outlive it: they are children of
 * the supervisor.
 */
#ifndef AGENT_EXECUTOR_SIBLING_H
#define AGENT_EXECUTOR_SIBLING_H

#include "agent/shared/shared.h"

/*
 * As fork(2), but the child's parent is the supervisor, which reaps it.  The
 * kernel writes the child's pid to *pid before the child runs.  -errno on
 * failure.
 */
pid_t sibling_fork(_Atomic int32_t *pid);
/*
 * To be called in the child of sibling_fork(): gives it a session of its own,
 * and asks the kernel to kill it when the supervisor ends.
 */
void sibling_set_up(const struct shared *shared);

#endif
