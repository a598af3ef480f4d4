// SPDX-License-Identifier: GPL-2.0-only
/* A record for a person at a terminal. */
#include <string.h>

#include "runner/report/record.h"

/* Every line of text behind the indent; nothing for an empty text. */
static void lines(struct buf *to, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		buf_addf(to, "%s%.*s\n", indent, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* One line, line ends made visible. */
static void one_line(struct buf *to, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			buf_add(to, "\\n", 2);
		else
			buf_add(to, text, 1);
}

static void consoles(struct buf *to, const json_t *item)
{
	json_t *console, *line;
	size_t i, k;

	json_array_foreach(json_object_get(item, "consoles"), i, console) {
		buf_addf(to, "      console of VM %d ends:\n", (int)
			 json_integer_value(json_object_get(console, "vm")));
		json_array_foreach(json_object_get(console, "lines"), k, line)
			lines(to, "      | ", json_string_value(line));
	}
}

/* Verdict, message, and under a failure what helps to understand it. */
static void outcome(struct buf *to, const json_t *item)
{
	const char *verdict = record_text(item, "verdict");
	const char *message = record_text(item, "message");
	size_t first = strcspn(message, "\n");
	json_t *line;
	size_t i;

	buf_addf(to, "%s%s%.*s\n", *verdict ? verdict : "FAIL: no verdict",
		 *message ? ": " : "", (int)first, message);
	if (!strcmp(verdict, "ok") || !strcmp(verdict, "skip") ||
	    !strcmp(verdict, "todo"))
		return;
	if (message[first])
		lines(to, "      ", message + first + 1);
	if (*record_text(item, "where"))
		buf_addf(to, "      at %s\n", record_text(item, "where"));
	json_array_foreach(json_object_get(item, "log"), i, line)
		lines(to, "      log: ", json_string_value(line));
	consoles(to, item);
}

static void headline(const json_t *record, struct buf *to)
{
	struct counts c = { 0 };
	double seconds = json_number_value(json_object_get(record, "seconds"));
	unsigned int all;

	counts_add(&c, record);
	all = c.passed + c.failed + c.broken + c.skipped;
	buf_addf(to, "%s ... %s (", record_text(record, "name"),
		 record_text(record, "verdict"));
	if (c.failed + c.broken)
		buf_addf(to, "%u of %u failed", c.failed + c.broken, all);
	else
		buf_addf(to, "%u test%s", all, all == 1 ? "" : "s");
	buf_addf(to, ", %.1fs)\n", seconds);
}

void human_file(const json_t *record, struct buf *to)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	headline(record, to);
	json_array_foreach(json_object_get(record, "tests"), i, test) {
		buf_addf(to, "  · ");
		one_line(to, record_text(test, "name"));
		buf_addf(to, " ... ");
		outcome(to, test);
	}
	if (error) {
		buf_addf(to, "  · (the file) ... ");
		outcome(to, error);
	}
	if (*record_text(record, "logs"))
		buf_addf(to, "      logs kept in %s\n", record_text(record, "logs"));
	if (*record_text(record, "logs_error"))
		buf_addf(to, "      logs could not be kept: %s\n",
			 record_text(record, "logs_error"));
}
