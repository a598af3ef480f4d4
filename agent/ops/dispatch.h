/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the handler for an op's number. */
#ifndef AGENT_OPS_DISPATCH_H
#define AGENT_OPS_DISPATCH_H

#include "agent/executor/context.h"

/*
 * Decodes the request and carries it out.  Returns 0 with rep (MAX_STRUCT
 * bytes) filled in, or what executor_fail() returned.
 */
int op_run(struct executor *ex, unsigned int op, const void *payload, size_t len,
	   void *rep);

#endif
