// SPDX-License-Identifier: GPL-2.0-only
/* Records which tests failed when they last ran. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/report/record.h"
#include "runner/run/last_failures.h"

/* Is this an array of titles? */
static bool is_titles(const json_t *tests)
{
	json_t *title;
	size_t i;

	json_array_foreach(tests, i, title)
		if (!json_is_string(title))
			return false;
	return json_is_array(tests);
}

/*
 * Returns a copy of an entry of failed.json without what is invalid in it.  The
 * caller owns it.
 */
static json_t *checked_entry(const json_t *entry)
{
	json_t *tests = json_object_get(entry, "tests"), *checked;

	checked = json_pack("{s:o}", "tests",
			    is_titles(tests) ? json_incref(tests) : json_null());
	for (const char *const *name = record_environment; *name; name++)
		if (*record_text(entry, *name))
			json_object_set(checked, *name, json_object_get(entry, *name));
	return checked;
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
		json_object_set_new(all, file, checked_entry(entry));
	return all;
}

json_t *last_failures_load(void)
{
	char *path = files_join(files_state(), "failed.json");
	json_t *all = last_failures_read(path);

	free(path);
	return all;
}

const json_t *last_failures_entry(const json_t *all, const char *path)
{
	char *real = realpath(path, NULL);
	const json_t *entry = real ? json_object_get(all, real) : NULL;

	free(real);
	return entry;
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

/* Returns the titles in `before` of tests that were not part of this run. */
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

/*
 * Returns the titles of the file's failed tests, a JSON null for the whole
 * file, or NULL if nothing has failed.  before: the titles in the file's entry
 * so far.
 */
static json_t *failed_titles(const json_t *before, const json_t *record, bool partial)
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

/* Returns the file's new entry, or NULL if nothing has failed. */
static json_t *new_entry(const json_t *before, const json_t *record, bool partial)
{
	json_t *titles = failed_titles(json_object_get(before, "tests"), record, partial);
	json_t *entry;

	if (!titles)
		return NULL;
	/*
	 * If no test failed in this run, the titles left failed in an earlier
	 * run, so the entry keeps the environment of that run.
	 */
	entry = before && !item_failed(record) ? json_copy((json_t *)before) :
						 record_environment_now();
	json_object_set_new(entry, "tests", titles);
	return entry;
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
