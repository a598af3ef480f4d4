// SPDX-License-Identifier: GPL-2.0-only
/* Records which tests failed when they last ran. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/report/record.h"
#include "runner/run/last_failures.h"

/* Is this a valid entry: an array of titles, or null? */
static bool is_entry(const json_t *entry)
{
	json_t *title;
	size_t i;

	if (!json_is_array(entry))
		return json_is_null(entry);
	json_array_foreach(entry, i, title)
		if (!json_is_string(title))
			return false;
	return true;
}

json_t *last_failures_read(const char *path)
{
	json_t *all = json_load_file(path, 0, NULL), *entry;
	const char *file;

	if (!json_is_object(all)) {
		json_decref(all);
		return json_object();
	}
	json_object_foreach(all, file, entry)
		if (!is_entry(entry))
			json_object_set_new(all, file, json_null());
	return all;
}

json_t *last_failures_load(void)
{
	char *path = files_join(files_state(), "failed.json");
	json_t *all = last_failures_read(path);

	free(path);
	return all;
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
		if (!strcmp(json_string_value(item), name))
			return true;
	return false;
}

/* Returns the titles in `before` whose tests did not run now. */
static json_t *titles_not_run(const json_t *before, const json_t *tests)
{
	json_t *ran = json_array(), *not_run = json_array(), *item;
	size_t i;

	json_array_foreach(tests, i, item)
		json_array_append(ran, json_object_get(item, "name"));
	json_array_foreach(before, i, item)
		if (!contains(ran, json_string_value(item)))
			json_array_append(not_run, item);
	json_decref(ran);
	return not_run;
}

/* Returns the file's new entry, or NULL if nothing has failed. */
static json_t *new_entry(const json_t *before, const json_t *record, bool partial)
{
	json_t *tests = json_object_get(record, "tests"), *names, *item;
	size_t i;

	if (json_object_get(record, "error") || (partial && json_is_null(before)))
		return json_null();
	names = partial ? titles_not_run(before, tests) : json_array();
	json_array_foreach(tests, i, item) {
		if (!item_failed(item))
			continue;
		if (!*record_text(item, "filter")) {
			json_decref(names);
			return json_null();	/* the file has no test() */
		}
		json_array_append(names, json_object_get(item, "name"));
	}
	if (json_array_size(names))
		return names;
	json_decref(names);
	return NULL;
}

static void update(const char *path, const json_t *record, bool partial)
{
	json_t *all = last_failures_load(), *before = json_object_get(all, path);
	json_t *after = new_entry(before, record, partial);
	char *file = files_join(files_state(), "failed.json"), *text;
	struct err err;

	if (before ? !after || !json_equal(before, after) : after != NULL) {
		if (after)
			json_object_set(all, path, after);
		else
			json_object_del(all, path);
		text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
		if (text)
			files_write(file, text, strlen(text), &err);
		free(text);
	}
	json_decref(after);
	json_decref(all);
	free(file);
}

void last_failures_record(const char *path, const json_t *record, bool partial)
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
		update(real, record, partial);
		close(fd);
	}
	free(lock);
	free(real);
}
