/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records how many tests each file had when it last ran, for the line that
 * tells what a file is doing.
 *
 * counts.json in files_state() is an object: real paths with numbers.  Errors
 * are ignored, and nothing depends on it.
 */
#ifndef RUNNER_RUN_LAST_COUNTS_H
#define RUNNER_RUN_LAST_COUNTS_H

#include <stddef.h>

/* Returns the number, or 0 if it is not known. */
size_t last_counts_find(const char *path);
/*
 * Records that all tests of the file have run.  Does nothing in a runner that a
 * test has started (the environment has PROVIUM_INSIDE).
 */
void last_counts_record(const char *path, size_t nr);

#endif
