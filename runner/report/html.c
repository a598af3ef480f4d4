// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format html: page.html with the records in it, as JSON, and page.js, the
 * script that makes of them what the reader sees.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/report/format.h"
#include "runner/report/html.h"

asm(".pushsection .rodata\n"
    "html_frame: .incbin \"runner/report/page.html\"\n"
    ".byte 0\n"
    "html_script: .incbin \"runner/report/page.js\"\n"
    ".byte 0\n"
    ".popsection\n");
extern const char html_frame[], html_script[];

/* The words of the frame in whose place the records and the script are. */
#define DATA "@DATA@"
#define SCRIPT "@SCRIPT@"

/*
 * Appends the value.  A script ends at "</script", in whatever it stands; in
 * JSON a "<" can only be in a string.
 */
static void add(struct buf *to, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	for (const char *at = text ? text : "null"; *at;) {
		size_t n = strcspn(at, "<");

		buf_add(to, at, n);
		at += n;
		if (*at) {
			buf_addf(to, "\\u003c");
			at++;
		}
	}
	free(text);
}

static void begin(size_t nr_files, struct buf *to)
{
	(void)nr_files;
	buf_add(to, html_frame, (size_t)(strstr(html_frame, DATA) - html_frame));
	buf_addf(to, "{\"records\":[");
}

/* Returns what the page shows of a test. */
static json_t *shown_of(json_t *test)
{
	if (item_failed(test))
		return json_incref(test);
	return json_pack("{s:s, s:s, s:s, s:f}", "name", record_text(test, "name"),
			 "verdict", record_text(test, "verdict"),
			 "message", record_text(test, "message"), "seconds", record_seconds(test));
}

/* Adds the record without what the page does not show. */
static void file(const json_t *record, size_t n, struct buf *to)
{
	json_t *shown = json_copy((json_t *)(uintptr_t)record), *tests = json_array(), *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		json_array_append_new(tests, shown_of(test));
	json_object_set_new(shown, "tests", tests);
	json_object_del(shown, "deps");
	if (n > 1)
		buf_addf(to, ",\n");
	add(to, shown);
	json_decref(shown);
}

static void end_with(const struct counts *total, const json_t *history, struct buf *to)
{
	const char *rest = strstr(html_frame, DATA) + strlen(DATA), *script = strstr(rest, SCRIPT);
	struct buf line = { 0 };
	json_t *text;

	counts_line(total, &line);
	text = json_string(buf_str(&line));
	buf_addf(to, "],\n\"total\":");
	add(to, text);
	if (history) {
		buf_addf(to, ",\n\"history\":");
		add(to, history);
	}
	buf_addf(to, "}%.*s%s%s", (int)(script - rest), rest, html_script,
		 script + strlen(SCRIPT));
	json_decref(text);
	buf_release(&line);
}

static void end(const struct counts *total, struct buf *to)
{
	end_with(total, NULL, to);
}

void html_page(const json_t *records, const struct counts *total, const json_t *history,
	       struct buf *to)
{
	json_t *record;
	size_t i;

	begin(json_array_size(records), to);
	json_array_foreach(records, i, record)
		file(record, i + 1, to);
	end_with(total, history, to);
}

const struct format format_html = {
	.name = "html", .begin = begin, .file = file, .end = end,
};
