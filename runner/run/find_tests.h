/* SPDX-License-Identifier: GPL-2.0-only */
/* Test files: found in folders. */
#ifndef RUNNER_RUN_FIND_TESTS_H
#define RUNNER_RUN_FIND_TESTS_H

#include <stddef.h>

/* Empty is all zero. */
struct paths {
	char **v;
	size_t n;
};

/* Takes the path over. */
void find_tests_add(struct paths *p, char *path);
void find_tests_release(struct paths *p);
/*
 * Adds the files, and of folders their *.lua, recursively and sorted, without
 * those of fixtures/, lib/ and folders that start with _ or a dot.  -ENOENT,
 * said on stderr, when something is not there or a folder has no test.
 */
int find_tests(char *const *paths, size_t nr, struct paths *found);

#endif
