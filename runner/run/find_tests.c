// SPDX-License-Identifier: GPL-2.0-only
/* Finds test files in folders. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/run/find_tests.h"

void find_tests_add(struct test_paths *tests, char *path)
{
	tests->path = xreallocarray(tests->path, tests->nr + 1, sizeof(*tests->path));
	tests->path[tests->nr++] = path;
}

void find_tests_release(struct test_paths *tests)
{
	for (size_t i = 0; i < tests->nr; i++)
		free(tests->path[i]);
	free(tests->path);
	*tests = (struct test_paths){ 0 };
}

/* Is this a folder of fixtures or of helpers, or a hidden folder? */
static bool is_skipped_folder(const char *name)
{
	return *name == '.' || *name == '_' || !strcmp(name, "fixtures") ||
	       !strcmp(name, "lib");
}

static bool is_test_name(const char *name)
{
	size_t len = strlen(name);

	return *name != '.' && len > 4 && !strcmp(name + len - 4, ".lua");
}

static void add_folder(const char *dir, struct test_paths *tests)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *path = files_join(dir, name);
		struct stat st;

		if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
			if (!is_skipped_folder(name))
				add_folder(path, tests);
			free(path);
		} else if (is_test_name(name)) {
			find_tests_add(tests, path);
		} else {
			free(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int find_tests(char *const *paths, size_t nr, struct test_paths *tests)
{
	for (size_t i = 0; i < nr; i++) {
		size_t nr_before = tests->nr;
		struct stat st;

		if (stat(paths[i], &st)) {
			fprintf(stderr, "provium test: %s: %s\n", paths[i],
				strerror(errno));
			return -ENOENT;
		}
		if (!S_ISDIR(st.st_mode)) {
			find_tests_add(tests, xstrdup(paths[i]));
			continue;
		}
		add_folder(paths[i], tests);
		if (tests->nr == nr_before) {
			fprintf(stderr, "provium test: %s: contains no test files (*.lua)\n",
				paths[i]);
			return -ENOENT;
		}
	}
	return 0;
}
