/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What failed when it last ran, of every file that this runner ran:
 * failed.json in its folder, { path: [names of tests], or null for the file }.
 */
#ifndef RUNNER_RUN_LAST_FAILURES_H
#define RUNNER_RUN_LAST_FAILURES_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Takes down how the file at path went.  some: not all of its tests were to
 * run, and what is known of the others stays.  Runners that a test starts take
 * down nothing: PROVIUM_INSIDE is set for them.
 */
void last_failures_record(const char *path, const json_t *record, bool some);
/* All that is known; an object, the caller's. */
json_t *last_failures_load(void);
/* What is known of this path: NULL nothing failed, an array of names, or null. */
const json_t *last_failures_tests(const json_t *all, const char *path);

#endif
