/* SPDX-License-Identifier: GPL-2.0-only */
/* One request of an executor. */
#ifndef AGENT_EXECUTOR_SERVE_H
#define AGENT_EXECUTOR_SERVE_H

#include "agent/executor/context.h"

/* Carries the mailbox's request out and sends the reply. */
void executor_serve(struct executor *ex);

#endif
