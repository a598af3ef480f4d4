/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds test files in folders. */
#ifndef RUNNER_RUN_FIND_TESTS_H
#define RUNNER_RUN_FIND_TESTS_H

#include <stddef.h>

/* A list of paths; all zeros: empty. */
struct test_paths {
	char **path;
	size_t nr;
};

/* Appends the path and takes ownership of it. */
void find_tests_add(struct test_paths *tests, char *path);
void find_tests_release(struct test_paths *tests);
/*
 * Appends each path that is a file, and for a folder all *.lua files below it,
 * sorted, except those in folders called fixtures or lib and in folders whose
 * name starts with "_" or ".".  -ENOENT, after a message on stderr, if a path
 * does not exist or a folder contains no test.
 */
int find_tests(char *const *paths, size_t nr, struct test_paths *tests);

#endif
