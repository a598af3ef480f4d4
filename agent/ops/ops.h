/* SPDX-License-Identifier: GPL-2.0-only */
/* The handlers the executor dispatches to, declared from the op table. */
#ifndef AGENT_OPS_OPS_H
#define AGENT_OPS_OPS_H

#include "agent/agent.h"

/* A call that lasts longer has the supervisor read the link. */
#define TAKE_OVER_NS 25000000

/* Exit status of an executor whose own descriptors were closed by the test. */
#define EXECUTOR_LOST_FDS 125

/*
 * int do_NAME(executor, request, reply): 0 with reply filled in, or what
 * executor_fail() returned.  What reply points to must live in scratch or
 * until the next request; data frames may be sent before returning.
 */
#define DO_executor(name, req, rep)						\
	int do_##name(struct executor *ex, const struct wire_##req *q,	\
		      struct wire_##rep *p);
#define DO_supervisor(name, req, rep)
#define OP(num, name, by, req, rep, doc) DO_##by(name, req, rep)
WIRE_OPS(OP)
#undef OP

#endif
