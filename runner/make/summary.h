/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums up the results of all tests of one make and writes the reports. */
#ifndef RUNNER_MAKE_SUMMARY_H
#define RUNNER_MAKE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

struct summary_opts {
	/*
	 * A file, or NULL.  Results that are older than it come from an earlier
	 * run.
	 */
	const char *since;
	/* Folder for the reports (docs/writing-tests.md), or NULL. */
	const char *report;
	/* File with the history of the runs (history.h), or NULL. */
	const char *history;
	/* make stopped after a failure: a BASE without a result is no error. */
	bool fail_fast;
};

/*
 * Prints the failures and the totals, and writes the reports.  A BASE is the
 * argument of `provium test --verdict BASE`.  Returns the exit status of the
 * tests (runner/base/exit_status.h), or EXIT_BROKEN if a report could not be
 * written.
 */
int summary_run(char *const *bases, size_t nr, const struct summary_opts *opts);

#endif
