/* SPDX-License-Identifier: GPL-2.0-only */
/* Test files, each in a process of its own, and what came of them. */
#ifndef RUNNER_RUN_SUITE_H
#define RUNNER_RUN_SUITE_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/err.h"
#include "runner/report/format.h"

struct suite_opts {
	const struct format *format;
	bool fail_fast;			/* stop after the first failure */
	bool rerun_failed;		/* only what failed last (runner/run/last_failures.h) */
	const char *filter;		/* Lua pattern for test names, or NULL */
	const char *verdict;		/* base of make's files, or NULL */
	const char *session;		/* with verdict: runner/make/session.h, or NULL */
	unsigned int repeat;		/* run all of it so many times; 1 */
};

/*
 * Runs the files and folders; prints reports.  The exit status: 0, 1, 2 or 3 as in
 * the manual, or -signal when a signal ended it.
 */
int suite_run(char *const *paths, size_t nr_paths, const struct suite_opts *opts);

#endif
