/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs one test file in a child process that has its own Lua state.
 *
 * The child sends each event as a line of JSON, { event, item }: "begin" and
 * "test" when a test begins and ends, "result" when a program that it runs has
 * printed a result, "end" with the rest of the record at the end of the file,
 * "state" when it is known what a call does that takes long, "interrupted"
 * after a signal, with what interrupted_file() reports.  So if the child dies,
 * the tests that had ended keep their verdicts, and the test that was running
 * has failed.
 */
#ifndef RUNNER_RUN_CHILD_H
#define RUNNER_RUN_CHILD_H

#include <jansson.h>
#include <stdbool.h>

#include "runner/run/run_file.h"

/* What the file is doing now. */
struct child_progress {
	const json_t *record;		/* so far; it has the tests that have ended */
	const json_t *test;		/* the item of the running test, or NULL */
	size_t nr_ended;
	double seconds;			/* since the test, or else the file, began */
	const char *state;		/* of a call that takes long; "": unknown */
};

struct child_opts {
	struct run_file_opts file;
	bool capture;			/* put the file's output into the record */
	/*
	 * Gets the file's output on the terminal on stdout, as it comes; NULL:
	 * the file writes to the terminal itself.
	 */
	void (*print)(const char *p, size_t n);
	/* Called after each test; or NULL. */
	void (*on_test)(const json_t *record, const json_t *test, void *arg);
	/*
	 * Called after each result of a program, as it comes; or NULL.  test:
	 * the running one, with the results so far.
	 */
	void (*on_result)(const json_t *record, const json_t *test, const json_t *result,
			  void *arg);
	/*
	 * Called if a signal has ended the file; or NULL.  test: see
	 * interrupted_file().
	 */
	void (*on_interrupt)(const json_t *record, const json_t *test, void *arg);
	/* Called about once a second; or NULL. */
	void (*tick)(const struct child_progress *progress, void *arg);
	void *arg;			/* argument of these functions */
};

/*
 * Runs the file and returns its record (runner/report/record.h), which the
 * caller owns.  If the child dies or cannot be started, the record has an
 * error.  NULL if a signal has interrupted this process (interrupt_pending()).
 */
json_t *child_run(const char *path, const struct child_opts *opts);

#endif
