/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results of host tests as TAP: a line "ok N - name" for each check, and the
 * count at the end.
 */
#ifndef TESTS_HOST_LIB_TAP_H
#define TESTS_HOST_LIB_TAP_H

#include <stdbool.h>

/* Prints the result of one check.  Returns cond. */
bool ok(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints a line of explanation. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints the plan.  Returns the exit status for main(). */
int done(void);

#endif
