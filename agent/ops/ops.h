/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handlers of the ops that executors carry out, declared from the op table.
 */
#ifndef AGENT_OPS_OPS_H
#define AGENT_OPS_OPS_H

#include "agent/executor/answer.h"
#include "agent/executor/context.h"

/*
 * int do_NAME(executor, request, reply) carries out an op.  It returns 0 with
 * reply filled in, or what executor_fail() returned.  Memory to which the reply
 * points is scratch memory, or is valid until the next request.  A handler can
 * send data frames before it returns.
 */
#define DO_executor(name, req, rep)					\
	int do_##name(struct executor *ex, const struct wire_##req *q,	\
		      struct wire_##rep *p);
#define DO_supervisor(name, req, rep)
#define OP(num, name, by, req, rep, doc) DO_##by(name, req, rep)
WIRE_OPS(OP)
#undef OP

#endif
