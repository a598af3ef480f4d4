/* SPDX-License-Identifier: GPL-2.0-only */
/* Host tests: a line a check, "ok N - name", and a count at the end. */
#ifndef TESTS_HOST_LIB_TAP_H
#define TESTS_HOST_LIB_TAP_H

#include <stdbool.h>

/* One check.  Returns cond. */
bool ok(bool cond, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of explanation. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The plan; the exit status of main(). */
int done(void);

#endif
