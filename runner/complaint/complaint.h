/* SPDX-License-Identifier: GPL-2.0-only */
/* What in a kernel log is a complaint, and of which kind. */
#ifndef RUNNER_COMPLAINT_COMPLAINT_H
#define RUNNER_COMPLAINT_COMPLAINT_H

#include <stddef.h>

/*
 * The kind of complaint that this line of a kernel log opens ("warning",
 * "lockdep", …), or NULL.  The line need not end in a zero byte.
 */
const char *complaint_kind(const char *line, size_t len);

#endif
