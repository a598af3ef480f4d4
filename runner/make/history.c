// SPDX-License-Identifier: GPL-2.0-only
/* The results of the last runs: one of them, as a JSON object, on each line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/files.h"
#include "runner/make/history.h"

#define MAX_RUNS 50

static bool was_reused(const json_t *record)
{
	return json_is_true(json_object_get(record, "reused"));
}

static json_int_t timeline_ms(const json_t *record, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(record, "timeline"), key));
}

static json_t *file_of(const json_t *record)
{
	json_t *file = json_pack("{s:I}", "ms", (json_int_t)(record_seconds(record) * 1000));
	json_t *failed = json_array(), *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		if (item_failed(test))
			json_array_append_new(failed, json_string(record_text(test, "name")));
	if (json_array_size(failed))
		json_object_set(file, "failed", failed);
	json_decref(failed);
	if (json_object_get(record, "error"))
		json_object_set_new(file, "error", json_true());
	return file;
}

/* Returns this run, or NULL if no file ran. */
static json_t *run_of(const json_t *records, const struct counts *total)
{
	json_int_t begin = 0, end = 0;
	json_t *files = json_object(), *record;
	size_t i;

	json_array_foreach(records, i, record) {
		json_int_t start = timeline_ms(record, "start");

		if (was_reused(record))
			continue;
		json_object_set_new(files, record_text(record, "file"), file_of(record));
		if (!start)
			continue;
		begin = begin && begin < start ? begin : start;
		start += timeline_ms(record, "ms");
		end = end > start ? end : start;
	}
	if (!json_object_size(files)) {
		json_decref(files);
		return NULL;
	}
	return json_pack("{s:I, s:I, s:i, s:i, s:i, s:i, s:o}", "time", begin, "ms", end - begin,
			 "passed", total->passed, "failed", total->failed, "broken", total->broken,
			 "skipped", total->skipped, "files", files);
}

/* Returns the runs in the file; none if there is no such file. */
static json_t *read_runs(const char *path)
{
	json_t *runs = json_array(), *run;
	struct buf b = { 0 };
	char *text;

	buf_read_file(&b, path);
	text = buf_str(&b);
	for (char *line; (line = strsep(&text, "\n"));) {
		run = json_loads(line, 0, NULL);
		if (json_is_object(json_object_get(run, "files")))
			json_array_append(runs, run);
		json_decref(run);
	}
	buf_release(&b);
	return runs;
}

static int write_runs(const char *path, const json_t *runs, struct err *err)
{
	struct buf b = { 0 };
	json_t *run;
	size_t i;
	int ret;

	json_array_foreach(runs, i, run) {
		char *line = json_dumps(run, JSON_COMPACT);

		buf_addf(&b, "%s\n", line ? line : "");
		free(line);
	}
	ret = files_write(path, b.p, b.len, err);
	buf_release(&b);
	return ret;
}

json_t *history_add(const char *path, const json_t *records, const struct counts *total,
		    struct err *err)
{
	/* The file itself is replaced: a lock would be on the old one. */
	char *lock = xasprintf("%s.lock", path);
	int fd = files_lock(lock, false), ret = 0;
	json_t *runs = read_runs(path), *run = run_of(records, total);

	if (run) {
		json_array_append_new(runs, run);
		while (json_array_size(runs) > MAX_RUNS)
			json_array_remove(runs, 0);
		ret = fd < 0 ? err_set(err, ERR_BROKEN, fd, "cannot write %s: %s", lock,
				       strerror(-fd)) : write_runs(path, runs, err);
	}
	if (fd >= 0)
		close(fd);
	free(lock);
	if (!ret)
		return runs;
	json_decref(runs);
	return NULL;
}
