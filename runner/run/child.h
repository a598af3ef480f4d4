/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One test file, in a process of its own with a Lua state of its own.
 *
 * The child tells what happens line by line, as JSON { event, item }: "begin"
 * and "test" for each test, "end" with the rest of the record.  A child that
 * dies takes along no test that had ended, and the one that it was in has failed.
 */
#ifndef RUNNER_RUN_CHILD_H
#define RUNNER_RUN_CHILD_H

#include <jansson.h>
#include <lua.h>
#include <stdbool.h>

struct child_opts {
	const char *filter;		/* Lua pattern for test names, or NULL */
	const json_t *only;		/* array of test names, or NULL */
	bool fail_fast;
	bool capture;			/* what it prints goes into the record */
	/* Called when a test has ended; NULL for nobody. */
	void (*on_test)(const json_t *record, const json_t *test, void *arg);
	void *arg;
	void (*tick)(void);		/* called about each second; NULL for nobody */
};

/* Its record (runner/report/record.h); NULL when a signal ended us. */
json_t *child_run(const char *path, const struct child_opts *opts);

#endif
