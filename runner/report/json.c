// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format json: one object on each line, { "event": …, … }, as events
 * happen.
 *
 *	start	file, name, started
 *	result	file, test, name (after the names of the enclosing results,
 *		if the program has told these), verdict, message: comes while
 *		the program runs; the event test has its final verdict
 *	test	file, and the members of an item (record.h)
 *	end	the members of the record without tests
 *	summary	verdict, passed, failed, broken, skipped, ignored
 */
#include <stdlib.h>

#include "runner/report/format.h"

/* Appends the object, and releases the caller's reference to it. */
static void add(struct buf *to, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));

	if (text)
		buf_addf(to, "%s\n", text);
	free(text);
	json_decref(object);
}

static void start(const json_t *record, struct buf *to)
{
	add(to, json_pack("{s:s, s:s, s:s, s:s}", "event", "start",
			  "file", record_text(record, "file"),
			  "name", record_text(record, "name"),
			  "started", record_text(record, "started")));
}

static void result(const json_t *record, const json_t *test, const json_t *its, struct buf *to)
{
	json_t *line = json_pack("{s:s, s:s, s:s}", "event", "result",
				 "file", record_text(record, "file"),
				 "test", record_text(test, "name"));

	json_object_update(line, (json_t *)(uintptr_t)its);
	add(to, line);
}

static void test(const json_t *record, const json_t *item, struct buf *to)
{
	json_t *line = json_pack("{s:s, s:s}", "event", "test",
				 "file", record_text(record, "file"));

	json_object_update(line, (json_t *)(uintptr_t)item);
	add(to, line);
}

static void file(const json_t *record, size_t n, struct buf *to)
{
	json_t *line = json_pack("{s:s}", "event", "end");

	(void)n;
	json_object_update(line, (json_t *)(uintptr_t)record);
	json_object_del(line, "tests");
	add(to, line);
}

static void end(const struct counts *total, struct buf *to)
{
	int status = counts_status(total);

	add(to, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i}", "event", "summary",
			  "verdict", status == 0 ? "ok" : status == 1 ? "FAIL" : "BROKEN",
			  "passed", total->passed, "failed", total->failed,
			  "broken", total->broken, "skipped", total->skipped,
			  "ignored", total->ignored));
}

const struct format format_json = {
	.name = "json", .start = start, .result = result, .test = test, .file = file, .end = end,
};
