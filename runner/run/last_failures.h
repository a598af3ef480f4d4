/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Remembers what failed when it last ran, for `provium test --rerun-failed`.
 *
 * failed.json in files_state() is an object: the real path of each test file
 * that failed, with an array of the titles of its failed tests, or null if the
 * file as a whole failed.
 */
#ifndef RUNNER_RUN_LAST_FAILURES_H
#define RUNNER_RUN_LAST_FAILURES_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Replaces what is stored for the file at path by what its record says.
 * partial: some of the file's tests were left out; what is stored for those
 * stays.  Does nothing in a runner that a test has started (the environment
 * has PROVIUM_INSIDE).  Errors are ignored: no verdict depends on the file.
 */
void last_failures_record(const char *path, const json_t *record, bool partial);
/*
 * The content of failed.json, an object; empty if there is none.  An entry that
 * is damaged is null.  The caller's.
 */
json_t *last_failures_load(void);
/*
 * What `all` has for the file at path: an array of titles, a JSON null (the
 * whole file), or NULL (nothing failed).  Belongs to `all`.
 */
const json_t *last_failures_tests(const json_t *all, const char *path);

#endif
