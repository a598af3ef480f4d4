// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format annotations: a workflow command of GitHub Actions for each
 * failure, which shows it at the line of the test ("Workflow commands" in
 * GitHub's documentation).  The format github: the human report with these.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/report/format.h"

/* Escapes a command's text; in a property, ":" and "," have a meaning, too. */
static void escape(struct buf *to, const char *text, bool property)
{
	for (; *text; text++) {
		if (strchr("%\r\n", *text) || (property && strchr(":,", *text)))
			buf_addf(to, "%%%02X", (unsigned int)*text);
		else
			buf_add(to, text, 1);
	}
}

/*
 * Adds the annotation of a failed item: at its "FILE:LINE", or else for the
 * whole file.
 */
static void annotation(struct buf *to, const json_t *record, const json_t *item,
		       const char *title)
{
	const char *where = record_text(item, "where"), *colon = strrchr(where, ':');
	char *file = colon ? xasprintf("%.*s", (int)(colon - where), where) :
			     xstrdup(record_text(record, "file"));

	buf_addf(to, "::error file=");
	escape(to, file, true);
	if (colon)
		buf_addf(to, ",line=%d", atoi(colon + 1));
	buf_addf(to, ",title=");
	escape(to, title, true);
	buf_addf(to, "::");
	escape(to, record_text(item, "message"), false);
	buf_addf(to, "\n");
	free(file);
}

static void annotations(const json_t *record, size_t n, struct buf *to)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	(void)n;
	json_array_foreach(json_object_get(record, "tests"), i, test)
		if (item_failed(test))
			annotation(to, record, test, record_text(test, "name"));
	if (error)
		annotation(to, record, error, "(the file)");
}

static void file(const json_t *record, size_t n, struct buf *to)
{
	format_human.file(record, n, to);
	annotations(record, n, to);
}

static void end(const struct counts *total, struct buf *to)
{
	format_human.end(total, to);
}

const struct format format_github = {
	.name = "github", .comment = "", .file = file, .end = end,
};

const struct format format_annotations = {
	.name = "annotations", .file = annotations,
};
