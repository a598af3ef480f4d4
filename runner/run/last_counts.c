// SPDX-License-Identifier: GPL-2.0-only
/* Records how many tests each file has. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/files.h"
#include "runner/run/last_counts.h"

static json_t *load(void)
{
	char *path = files_join(files_state(), "counts.json");
	json_t *all = json_load_file(path, 0, NULL);

	free(path);
	if (json_is_object(all))
		return all;
	json_decref(all);
	return json_object();
}

static void save(const json_t *all)
{
	char *path = files_join(files_state(), "counts.json");
	char *text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS);
	struct err ignored;

	if (text)
		files_write(path, text, strlen(text), &ignored);
	free(text);
	free(path);
}

static size_t find(const char *real)
{
	json_t *all = load();
	json_int_t nr = json_integer_value(json_object_get(all, real));

	json_decref(all);
	return nr > 0 ? (size_t)nr : 0;
}

size_t last_counts_find(const char *path)
{
	char *real = realpath(path, NULL);
	size_t nr = real ? find(real) : 0;

	free(real);
	return nr;
}

static void record(const char *real, size_t nr)
{
	char *lock = files_join(files_state(), ".counts.lock");
	int fd = files_mkdirs(files_state()) ? -1 : files_lock(lock, true);
	json_t *all;

	free(lock);
	if (fd < 0)
		return;
	all = load();
	json_object_set_new(all, real, json_integer((json_int_t)nr));
	save(all);
	json_decref(all);
	close(fd);
}

void last_counts_record(const char *path, size_t nr)
{
	const char *inside = getenv("PROVIUM_INSIDE");
	char *real = realpath(path, NULL);

	if (real && !(inside && *inside) && find(real) != nr)
		record(real, nr);
	free(real);
}
