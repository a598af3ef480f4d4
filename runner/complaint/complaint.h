/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds complaints in a kernel log. */
#ifndef RUNNER_COMPLAINT_COMPLAINT_H
#define RUNNER_COMPLAINT_COMPLAINT_H

#include <stddef.h>

/*
 * The kind of complaint ("warning", "lockdep", …) that starts with this line, or NULL
 * if none does.  The line needs no terminator.
 */
const char *complaint_kind(const char *line, size_t len);

#endif
