/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs one test file in a child process that has its own Lua state.
 *
 * The child sends each event as a line of JSON, { event, item }: "begin" and
 * "test" when a test begins and ends, "result" when a program that it runs has
 * printed a result, "end" with the rest of the record at the end of the file.
 * So if the child dies, the tests that had ended keep their verdicts, and the
 * test that was running has failed.
 */
#ifndef RUNNER_RUN_CHILD_H
#define RUNNER_RUN_CHILD_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/run/run_file.h"

struct child_opts {
	struct run_file_opts file;
	bool capture;			/* put the file's output into the record */
	/* Called after each test; or NULL. */
	void (*on_test)(const json_t *record, const json_t *test, void *arg);
	/*
	 * Called after each result of a program, as it comes; or NULL.  test:
	 * the running one, with the results so far.
	 */
	void (*on_result)(const json_t *record, const json_t *test, const json_t *result,
			  void *arg);
	void *arg;			/* argument for on_test and on_result */
	void (*tick)(void);		/* called about once a second; or NULL */
};

/*
 * Runs the file and returns its record (runner/report/record.h), which the
 * caller owns.  If the child dies or cannot be started, the record has an
 * error.  NULL if a signal has interrupted this process (interrupt_pending()).
 */
json_t *child_run(const char *path, const struct child_opts *opts);

#endif
