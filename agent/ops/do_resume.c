// SPDX-License-Identifier: GPL-2.0-only
/*
 * The op executor_resume: the first request after a resume, which does not need
 * the supervisor.
 */
#include <string.h>

#include "agent/guest/quiesce.h"
#include "agent/ops/ops.h"

int do_executor_resume(struct executor *ex, const struct wire_resume_req *q,
		       struct wire_nothing *p)
{
	int ret = quiesce_resume(q, ex->random_fd);

	(void)p;
	return ret ? executor_fail(ex, WIRE_REASON_ERRNO, -ret, "%s", strerror(-ret)) : 0;
}
