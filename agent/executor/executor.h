/* SPDX-License-Identifier: GPL-2.0-only */
/* The executor's loop. */
#ifndef AGENT_EXECUTOR_EXECUTOR_H
#define AGENT_EXECUTOR_EXECUTOR_H

#include <stdnoreturn.h>

#include "agent/executor/context.h"

/*
 * Handles requests from the mailbox and the link; never returns.  Takes over
 * the descriptors that are in ex.
 */
noreturn void executor_main(struct executor *ex);

#endif
