// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the handler of an op and calls it.  The code is generated from the
 * table of ops.
 */
#include <errno.h>

#include "agent/ops/dispatch.h"
#include "agent/ops/ops.h"

/*
 * One small function for each op.  If an op of the table has no do_NAME(), the
 * agent cannot be linked.
 */
typedef int (*op_fn)(struct executor *ex, const void *req, void *rep);

#define THUNK_executor(name, req_, rep_)				\
	static int call_##name(struct executor *ex, const void *q, void *p) \
	{								\
		_Static_assert(sizeof(struct wire_##rep_) <=		\
			       MAX_STRUCT, "reply struct");		\
		_Static_assert(sizeof(struct wire_##req_) <=		\
			       MAX_STRUCT, "request struct");		\
		return do_##name(ex, q, p);				\
	}
#define THUNK_supervisor(name, req, rep)
#define OP(num, name, by, req, rep, doc) THUNK_##by(name, req, rep)
WIRE_OPS(OP)
#undef OP

static op_fn handler(unsigned int op)
{
	switch (op) {
#define CASE_executor(num, name) case num: return call_##name;
#define CASE_supervisor(num, name)
#define OP(num, name, by, req, rep, doc) CASE_##by(num, name)
	WIRE_OPS(OP)
#undef OP
	default:
		return NULL;
	}
}

int op_run(struct executor *ex, unsigned int op, const void *payload, size_t len,
	   void *rep)
{
	uint64_t req[MAX_STRUCT / sizeof(uint64_t)];
	op_fn fn = handler(op);
	int ret;

	if (!fn)
		return executor_fail(ex, WIRE_REASON_BAD, 0,
				     "op %u is not one that an executor carries out", op);
	ret = wire_decode(wire_op_by_number(op)->req, req, payload, len, &ex->arena);
	if (ret)
		return executor_fail(ex, WIRE_REASON_BAD, -ret,
				     ret == -ENOMEM ? "too many buffers" :
				     "the request is malformed");
	return fn(ex, req, rep);
}
