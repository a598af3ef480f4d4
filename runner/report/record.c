// SPDX-License-Identifier: GPL-2.0-only
/* Counting over records. */
#include <string.h>

#include "runner/report/record.h"

const char *record_text(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static void count(struct counts *c, const char *verdict)
{
	if (!strcmp(verdict, "ok"))
		c->passed++;
	else if (!strcmp(verdict, "skip") || !strcmp(verdict, "todo"))
		c->skipped++;
	else if (!strcmp(verdict, "BROKEN"))
		c->broken++;
	else
		c->failed++;	/* no verdict is a failure */
}

void counts_add(struct counts *c, const json_t *record)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		count(c, record_text(test, "verdict"));
	if (error)
		count(c, record_text(error, "verdict"));
	c->ignored += (unsigned int)json_integer_value(
		json_object_get(record, "ignored"));
}

int counts_status(const struct counts *c)
{
	return c->failed ? 1 : c->broken ? 3 : 0;
}

void counts_line(const struct counts *c, struct buf *to)
{
	buf_addf(to, "%s: %u passed", counts_status(c) == 0 ? "ok" :
		 c->failed ? "FAIL" : "BROKEN", c->passed);
	if (c->failed)
		buf_addf(to, ", %u failed", c->failed);
	if (c->broken)
		buf_addf(to, ", %u broken", c->broken);
	if (c->skipped)
		buf_addf(to, ", %u skipped", c->skipped);
	if (c->ignored)
		buf_addf(to, " (%u kernel complaint%s ignored)", c->ignored,
			 c->ignored == 1 ? "" : "s");
}

json_t *record_broken(const char *file, const char *verdict, const char *message)
{
	const char *slash = strrchr(file, '/');

	return json_pack("{s:s, s:s, s:s, s:f, s:[], s:{s:s, s:s}, s:[s]}",
			 "file", file, "name", slash ? slash + 1 : file,
			 "verdict", verdict, "seconds", 0.0, "tests",
			 "error", "verdict", verdict, "message", message,
			 "deps", file);
}
