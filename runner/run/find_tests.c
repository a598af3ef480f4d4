// SPDX-License-Identifier: GPL-2.0-only
/* Test files: found in folders. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/run/find_tests.h"

void find_tests_add(struct paths *p, char *path)
{
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = path;
}

void find_tests_release(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free(p->v);
	*p = (struct paths){ 0 };
}

/* Folders that hold no tests: VM fixtures, helpers, and what starts with _ or . */
static bool holds_no_tests(const char *name)
{
	return *name == '.' || *name == '_' || !strcmp(name, "fixtures") ||
	       !strcmp(name, "lib");
}

static void find_below(const char *dir, struct paths *found)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *path = files_join(dir, name);
		size_t len = strlen(name);
		struct stat st;

		if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
			if (!holds_no_tests(name))
				find_below(path, found);
			free(path);
		} else if (len > 4 && !strcmp(name + len - 4, ".lua") && *name != '.') {
			find_tests_add(found, path);
		} else {
			free(path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int find_tests(char *const *paths, size_t nr, struct paths *found)
{
	for (size_t i = 0; i < nr; i++) {
		size_t before = found->n;
		struct stat st;

		if (stat(paths[i], &st)) {
			fprintf(stderr, "provium test: %s: %s\n", paths[i],
				strerror(errno));
			return -ENOENT;
		}
		if (!S_ISDIR(st.st_mode)) {
			find_tests_add(found, xstrdup(paths[i]));
			continue;
		}
		find_below(paths[i], found);
		if (found->n == before) {
			fprintf(stderr, "provium test: %s: no test files (*.lua) there\n",
				paths[i]);
			return -ENOENT;
		}
	}
	return 0;
}
