/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The row of the terminal on stdout that is overwritten with what a test file
 * is doing.  While it is in use, all output goes through live_print().
 */
#ifndef RUNNER_RUN_LIVE_LINE_H
#define RUNNER_RUN_LIVE_LINE_H

#include <stddef.h>

/* Removes the row, and prints n bytes to stdout. */
void live_print(const char *p, size_t n);
/*
 * Overwrites the row with the text.  Does nothing while the output before has
 * no end of line, or while this process is in the terminal's background.
 */
void live_draw(const char *text);
/*
 * Removes the row, and what the terminal has echoed in it, such as "^C"; ends a
 * line of the output that has no end.
 */
void live_end(void);

#endif
