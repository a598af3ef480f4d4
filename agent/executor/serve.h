/* SPDX-License-Identifier: GPL-2.0-only */
/* Carries out one request of an executor. */
#ifndef AGENT_EXECUTOR_SERVE_H
#define AGENT_EXECUTOR_SERVE_H

#include "agent/executor/context.h"

/* Carries out the request in the mailbox and sends the reply. */
void executor_serve(struct executor *ex);

#endif
