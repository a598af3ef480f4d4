/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the runners of one make tell each other, and what they show together.
 *
 * A file of lines, under a lock: which tests are to run and how long they took,
 * which run, wait for memory, have ended.  Whoever holds the lock may print: so
 * nothing is interleaved.  On a terminal there is a status line below the
 * cursor; whoever prints takes it away before and draws it anew after.
 */
#ifndef RUNNER_MAKE_PROGRESS_H
#define RUNNER_MAKE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"

/*
 * Begins a new file: the BASEs that make is going to run, as far as can be told
 * beforehand (no verdict, or one older than an input), with how long they took.
 */
int progress_plan(const char *file, char *const *inputs, size_t nr_inputs,
		  char *const *bases, size_t nr, bool all, struct err *err);
/* This process starts on BASE; what follows is of it and of its children. */
void progress_start(const char *file, const char *base);
/* It waits for memory, or goes on (gate_on_wait()). */
void progress_waiting(bool waits);
/* It has ended: prints the text.  verdict "": it was interrupted. */
void progress_end(const char *verdict, const char *text, size_t n);
/* A second has passed. */
void progress_tick(void);
/* Whether somebody looks: there is a status line to be drawn each second. */
bool progress_shown(void);
/* Whether a test has failed since the plan was made. */
bool progress_failed(const char *file);

#endif
