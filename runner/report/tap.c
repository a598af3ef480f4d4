// SPDX-License-Identifier: GPL-2.0-only
/* A record as KTAP (Documentation/dev-tools/ktap.rst): tests nested in files. */
#include <stdbool.h>
#include <string.h>

#include "runner/report/record.h"

void tap_plan(size_t nr_files, struct buf *to)
{
	buf_addf(to, "KTAP version 1\n1..%zu\n", nr_files);
}

/* A "#" starts a directive, a line end would start a line. */
static void name(struct buf *to, const char *text)
{
	for (; *text; text++)
		if (*text == '#')
			buf_add(to, "\\#", 2);
		else if (*text == '\n' || *text == '\r')
			buf_add(to, " ", 1);
		else
			buf_add(to, text, 1);
}

static void comment(struct buf *to, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		buf_addf(to, "%s# %.*s\n", indent, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void outcome(struct buf *to, const char *indent, size_t n,
		    const char *title, const json_t *item)
{
	const char *verdict = record_text(item, "verdict");
	const char *message = record_text(item, "message");
	bool skipped = !strcmp(verdict, "skip") || !strcmp(verdict, "todo");
	bool ok = skipped || !strcmp(verdict, "ok");
	json_t *line;
	size_t i;

	if (!ok) {
		/* Diagnostics stand before the result they belong to. */
		comment(to, indent, message);
		comment(to, indent, record_text(item, "where"));
		json_array_foreach(json_object_get(item, "log"), i, line)
			comment(to, indent, json_string_value(line));
	}
	buf_addf(to, "%s%s %zu ", indent, ok ? "ok" : "not ok", n);
	name(to, title);
	if (skipped) {
		buf_addf(to, " # SKIP ");
		name(to, *message ? message : verdict);
	}
	buf_addf(to, "\n");
}

void tap_file(const json_t *record, size_t n, struct buf *to)
{
	const json_t *tests = json_object_get(record, "tests");
	const json_t *error = json_object_get(record, "error");
	size_t nr = json_array_size(tests), i;
	json_t *test;

	buf_addf(to, "    KTAP version 1\n    1..%zu\n", nr + (error ? 1 : 0));
	json_array_foreach(tests, i, test)
		outcome(to, "    ", i + 1, record_text(test, "name"), test);
	if (error)
		outcome(to, "    ", nr + 1, "(the file)", error);
	buf_addf(to, "%s %zu ", strcmp(record_text(record, "verdict"), "ok") ?
		 "not ok" : "ok", n);
	name(to, record_text(record, "name"));
	buf_addf(to, "\n");
}
