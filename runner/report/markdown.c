// SPDX-License-Identifier: GPL-2.0-only
/* The summary of a run in Markdown, as pages of CI services show it. */
#include <string.h>

#include "runner/report/format.h"
#include "runner/report/markdown.h"

#define MAX_FAILURES 20		/* GitHub takes 1 MiB */
#define KERNEL_LINES 20

/*
 * Adds the text as one line of code.  A "|" would end the cell of a table; make
 * refuses such names of files.
 */
static void code(struct buf *to, const char *text)
{
	buf_addf(to, "`");
	for (; *text; text++)
		buf_addf(to, "%c", strchr("\n`", *text) ? ' ' : *text);
	buf_addf(to, "`");
}

static void failure(struct buf *to, const json_t *record, const json_t *item,
		    const char *name)
{
	buf_addf(to, "\n#### %s: ", record_text(item, "verdict"));
	code(to, record_text(record, "file"));
	buf_addf(to, ": ");
	code(to, name);
	buf_addf(to, "\n\n");
	format_lines(to, "    ", record_text(item, "message"));
	format_evidence(to, "    ", item, KERNEL_LINES);
}

/* Adds the failures of a file, as far as `left` allows. */
static void failures(struct buf *to, const json_t *record, unsigned int *left)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		if (item_failed(test) && *left) {
			failure(to, record, test, record_text(test, "name"));
			--*left;
		}
	if (error && *left) {
		failure(to, record, error, "(the file)");
		--*left;
	}
}

static void row(struct buf *to, const json_t *record)
{
	struct counts c = { 0 };

	counts_add(&c, record);
	buf_addf(to, "| ");
	code(to, record_text(record, "file"));
	buf_addf(to, " | %s | %u | %u | %u | %.1f |\n", record_text(record, "verdict"), c.passed,
		 c.failed + c.broken, c.skipped, record_seconds(record));
}

void markdown_summary(const json_t *records, const struct counts *total, struct buf *to)
{
	unsigned int left = MAX_FAILURES, nr_failed = total->failed + total->broken;
	const json_t *record;
	const char *accel = "";
	size_t i;

	json_array_foreach(records, i, record)
		accel = *accel ? accel : record_text(record, "accel");
	buf_addf(to, "### ");
	counts_line(total, to);
	buf_addf(to, "\n");
	if (*accel)
		buf_addf(to, "\n%s\n", accel);
	json_array_foreach(records, i, record)
		failures(to, record, &left);
	if (nr_failed > MAX_FAILURES)
		buf_addf(to, "\n%u more failures are in the report.\n", nr_failed - MAX_FAILURES);
	buf_addf(to, "\n<details><summary>Files: %zu</summary>\n\n", json_array_size(records));
	buf_addf(to, "| file | verdict | passed | failed | skipped | seconds |\n");
	buf_addf(to, "| --- | --- | ---: | ---: | ---: | ---: |\n");
	json_array_foreach(records, i, record)
		row(to, record);
	buf_addf(to, "\n</details>\n");
}
