/* SPDX-License-Identifier: GPL-2.0-only */
/* make's steps before and after the tests: a BASE is what `test --verdict` was given. */
#ifndef RUNNER_MAKE_SUMMARY_H
#define RUNNER_MAKE_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

struct summary_opts {
	const char *since;	/* a file: results older than it were there before; or NULL */
	const char *report;	/* folder for results.tap, junit.xml, results.jsonl; or NULL */
	bool fail_fast;		/* files that did not run were left out on purpose */
};

/* Prints what failed and a line of counts, writes the reports; the exit status. */
int summary_run(char *const *bases, size_t nr, const struct summary_opts *opts);

#endif
