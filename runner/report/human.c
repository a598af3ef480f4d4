// SPDX-License-Identifier: GPL-2.0-only
/* The formats human and brief: text for a terminal. */
#include <string.h>

#include "runner/report/format.h"

#define KERNEL_LINES 20

/* Adds the text as one line: a newline becomes \n. */
static void one_line(struct buf *to, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			buf_add(to, "\\n", 2);
		else
			buf_add(to, text, 1);
}

/* Adds the verdict and the message; after a failure also the evidence. */
static void outcome(struct buf *to, const json_t *item)
{
	const char *verdict = record_text(item, "verdict");
	const char *message = record_text(item, "message");
	size_t first = strcspn(message, "\n");

	buf_addf(to, "%s%s%.*s\n", *verdict ? verdict : "FAIL: no verdict",
		 *message ? ": " : "", (int)first, message);
	if (!item_failed(item))
		return;
	if (message[first])
		format_lines(to, "      ", message + first + 1);
	format_evidence(to, "      ", item, KERNEL_LINES);
}

struct place {
	struct buf *to;
	bool failures_only;
};

/* Adds the line of a result that a program printed. */
static void result(void *context, const json_t *item, const char *path)
{
	struct place *place = context;
	const char *message = record_text(item, "message");

	if (place->failures_only && !item_failed(item))
		return;
	buf_addf(place->to, "      · ");
	one_line(place->to, path);
	buf_addf(place->to, " ... %s%s%.*s\n", record_text(item, "verdict"),
		 *message ? ": " : "", (int)strcspn(message, "\n"), message);
	if (item_failed(item) && strchr(message, '\n'))
		format_lines(place->to, "          ", strchr(message, '\n') + 1);
}

static void headline(const json_t *record, struct buf *to)
{
	double waited = json_number_value(json_object_get(record, "waited"));
	struct counts c = { 0 };
	unsigned int all;

	counts_add(&c, record);
	all = counts_all(&c);
	buf_addf(to, "%s ... %s (", record_text(record, "name"),
		 record_text(record, "verdict"));
	if (c.failed + c.broken)
		buf_addf(to, "%u of %u failed", c.failed + c.broken, all);
	else
		buf_addf(to, "%u test%s", all, all == 1 ? "" : "s");
	if (c.skipped && !c.failed && !c.broken)
		buf_addf(to, ", %u skipped", c.skipped);
	buf_addf(to, ", %.1fs", record_seconds(record));
	if (waited >= 0.05)
		buf_addf(to, ", waited %.1fs", waited);
	buf_addf(to, ")\n");
}

static void file(const json_t *record, bool failures_only, struct buf *to)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	headline(record, to);
	json_array_foreach(json_object_get(record, "tests"), i, test) {
		if (failures_only && !item_failed(test))
			continue;
		buf_addf(to, "  · ");
		one_line(to, record_text(test, "name"));
		buf_addf(to, " ... ");
		outcome(to, test);
		item_each_result(test, "", result, &(struct place){ to, failures_only });
	}
	if (error) {
		buf_addf(to, "  · (the file) ... ");
		outcome(to, error);
	}
	format_file_notes(to, "      ", record);
}

static void whole_file(const json_t *record, size_t n, struct buf *to)
{
	(void)n;
	file(record, false, to);
}

static void brief_file(const json_t *record, size_t n, struct buf *to)
{
	(void)n;
	file(record, true, to);
}

static void end(const struct counts *total, struct buf *to)
{
	counts_line(total, to);
	buf_addf(to, "\n");
}

const struct format format_human = {
	.name = "human", .comment = "", .file = whole_file, .end = end,
};

const struct format format_brief = {
	.name = "brief", .comment = "", .file = brief_file, .end = end,
};
