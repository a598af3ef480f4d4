// SPDX-License-Identifier: GPL-2.0-only
/* What failed when it last ran. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/run/last_failures.h"
#include "runner/report/record.h"

json_t *last_failures_load(void)
{
	char *path = files_join(files_state(), "failed.json");
	json_t *all = json_load_file(path, 0, NULL);

	free(path);
	if (json_is_object(all))
		return all;
	json_decref(all);
	return json_object();
}

const json_t *last_failures_tests(const json_t *all, const char *path)
{
	char *real = realpath(path, NULL);
	const json_t *tests = real ? json_object_get(all, real) : NULL;

	free(real);
	return tests;
}

static bool contains(const json_t *names, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(names, i, item)
		if (!strcmp(json_string_value(item) ? json_string_value(item) : "", name))
			return true;
	return false;
}

/* Those of `before` that did not run now. */
static json_t *still_failed(const json_t *before, const json_t *tests)
{
	json_t *ran = json_array(), *left = json_array(), *item;
	size_t i;

	json_array_foreach(tests, i, item)
		json_array_append(ran, json_object_get(item, "name"));
	json_array_foreach(before, i, item)
		if (!contains(ran, json_string_value(item)))
			json_array_append(left, item);
	json_decref(ran);
	return left;
}

/* The new entry; NULL when nothing has failed. */
static json_t *entry(const json_t *before, const json_t *record, bool some)
{
	json_t *tests = json_object_get(record, "tests"), *names, *item;
	size_t i;

	if (json_object_get(record, "error") || (some && json_is_null(before)))
		return json_null();
	names = some ? still_failed(before, tests) : json_array();
	json_array_foreach(tests, i, item) {
		if (!item_failed(item))
			continue;
		if (!*record_text(item, "filter")) {
			json_decref(names);
			return json_null();	/* a file without test() */
		}
		json_array_append(names, json_object_get(item, "name"));
	}
	if (json_array_size(names))
		return names;
	json_decref(names);
	return NULL;
}

static void update(const char *path, const json_t *record, bool some)
{
	json_t *all = last_failures_load(), *before = json_object_get(all, path);
	json_t *now = entry(before, record, some);
	char *file = files_join(files_state(), "failed.json"), *text;
	struct err err;

	if (before ? !now || !json_equal(before, now) : now != NULL) {
		if (now)
			json_object_set(all, path, now);
		else
			json_object_del(all, path);
		text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
		/* Not worth an error: the verdicts do not depend on it. */
		if (text)
			files_write(file, text, strlen(text), &err);
		free(text);
	}
	json_decref(now);
	json_decref(all);
	free(file);
}

void last_failures_record(const char *path, const json_t *record, bool some)
{
	const char *inside = getenv("PROVIUM_INSIDE");
	char *real = realpath(path, NULL), *lock;
	int fd;

	if (!real || (inside && *inside)) {
		free(real);
		return;
	}
	files_mkdirs(files_state());
	lock = files_join(files_state(), ".failed.lock");
	fd = files_lock(lock, true);
	if (fd >= 0) {
		update(real, record, some);
		close(fd);
	}
	free(lock);
	free(real);
}
