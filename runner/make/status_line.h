/* SPDX-License-Identifier: GPL-2.0-only */
/* The line on a terminal that shows the progress of make's tests. */
#ifndef RUNNER_MAKE_STATUS_LINE_H
#define RUNNER_MAKE_STATUS_LINE_H

#include <stdbool.h>

#include "runner/base/buf.h"
#include "runner/make/session_file.h"

/* Is stdout a terminal that can move its cursor? */
bool status_line_possible(void);
/* Adds the escape sequences that remove the line and everything below it. */
void status_line_remove(struct buf *to);
/*
 * Draws the status line below the cursor and puts the cursor back, so that the
 * output of other programs does not go into the line.  Adds nothing if no
 * runner runs.  doing: what this runner's file does, which is shown instead of
 * most counts if only this one runs; "": unknown.
 */
void status_line_draw(const struct session *s, const char *doing, struct buf *to);

#endif
