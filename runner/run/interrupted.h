/* SPDX-License-Identifier: GPL-2.0-only */
/* The report of a run that a signal has interrupted. */
#ifndef RUNNER_RUN_INTERRUPTED_H
#define RUNNER_RUN_INTERRUPTED_H

#include "runner/report/record.h"

/*
 * Appends the report on the file that was running: the tests that have ended,
 * with the evidence of failures, and the one that has not.  test: { name,
 * seconds, where, call, state } of that one, as far as known; NULL: the signal
 * came outside of the tests.
 */
void interrupted_file(struct buf *to, const json_t *record, const json_t *test);
/*
 * Appends the last line: the counts of all tests that have ended, and how many
 * files have not run.
 */
void interrupted_end(struct buf *to, const struct counts *total, size_t nr_not_run);

#endif
