/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records which tests failed when they last ran, for `provium test
 * --rerun-failed`.
 *
 * failed.json in files_state() is an object: the real path of each test file
 * that failed, with an entry, which is an object: "tests" is an array of the
 * titles of its failed tests, or null if the file as a whole failed; "PROFILE"
 * and the other names of record_environment are what it ran with, if that was
 * not the default.
 */
#ifndef RUNNER_RUN_LAST_FAILURES_H
#define RUNNER_RUN_LAST_FAILURES_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Replaces the entry of the file at path by the failures in its record.
 * partial: some of the file's tests did not run; their titles stay in the
 * entry.  Does nothing in a runner that a test has started (the environment has
 * PROVIUM_INSIDE).  Errors are ignored, because no verdict depends on
 * failed.json.
 */
void last_failures_record(const char *path, const json_t *record, bool partial);
/*
 * Returns the content of failed.json, an object; empty if there is no such
 * file.  A damaged entry becomes one for a file that failed as a whole.  The
 * caller owns the result.
 */
json_t *last_failures_load(void);
/* As last_failures_load(), for a file like failed.json at any path. */
json_t *last_failures_read(const char *path);
/*
 * Returns the entry for the file at path, or NULL (nothing failed).  It belongs
 * to `all`.
 */
const json_t *last_failures_entry(const json_t *all, const char *path);

#endif
