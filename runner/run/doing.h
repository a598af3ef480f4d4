/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test file is doing, as a line of text. */
#ifndef RUNNER_RUN_DOING_H
#define RUNNER_RUN_DOING_H

#include "runner/base/buf.h"
#include "runner/run/child.h"

/*
 * Appends text such as "ring.lua 7/17 poll wakes, 12 s, read() sleeps in
 * ring_read", in which the test's title is cut if it would be wider than these
 * columns.  total: the number of the file's tests; 0: unknown.
 */
void doing_add(struct buf *to, const struct child_progress *p, size_t total, size_t columns);

#endif
