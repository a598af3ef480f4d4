// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record as KTAP (Documentation/dev-tools/ktap.rst): tests nested in files.
 *
 * To be read by tools/testing/kunit/kunit_parser.py, too: a "#" in a name is
 * none of its test results, and some words end or begin something for it
 * wherever they stand.
 */
#include <stdbool.h>
#include <string.h>

#include "runner/report/format.h"

#define KERNEL_LINES 200

static void begin(size_t nr_files, struct buf *to)
{
	buf_addf(to, "KTAP version 1\n1..%zu\n", nr_files);
}

/*
 * kunit_parser.py's KTAP_END, which it searches for in every line: how far it is
 * to the first blank of one that begins here, or 0.
 */
static size_t end_word(const char *text)
{
	static const char *const words[] = {
		"List of all partitions:", "Kernel panic - not syncing: VFS:",
		"reboot: System halted",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(text, words[i], strlen(words[i])))
			return strcspn(text, " ");
	return 0;
}

/* A "#" starts a directive, a line end would start a line; a name there must be. */
static void name(struct buf *to, const char *text)
{
	size_t n;

	if (!text[strspn(text, " \t")])
		text = "(no name)";
	for (; *text; text++) {
		n = end_word(text);
		buf_add(to, text, n);
		text += n;
		if (*text == '#' || n)
			buf_addf(to, "\\x%02x", (unsigned int)*text);
		else if (*text == '\n')
			buf_addf(to, "\\n");
		else
			buf_add(to, text, 1);
	}
}

/* What could be taken for an end is not (and a pattern it stands in still fits). */
static void comment_line(struct buf *to, const char *indent, const char *text, size_t n)
{
	size_t from = to->len;
	char *at;

	/* "# Subtest: " is a header, for kunit_parser.py. */
	buf_addf(to, "%s#%s %.*s\n", indent, strncmp(text, "Subtest:", 8) ? "" : " ",
		 (int)n, text);
	for (at = buf_str(to) + from; *at; at++)
		if (end_word(at))
			at[end_word(at)] = '.';
}

static void comment(struct buf *to, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		comment_line(to, indent, text, n);
		text += n + (text[n] == '\n');
	}
}

static void outcome(struct buf *to, size_t n, const char *title, const json_t *item)
{
	const char *message = record_text(item, "message");
	struct buf evidence = { 0 };

	if (item_failed(item)) {
		/* Diagnostics stand before the result they belong to. */
		format_evidence(&evidence, "", item, KERNEL_LINES);
		comment(to, "    ", message);
		comment(to, "    ", buf_str(&evidence));
		buf_release(&evidence);
	}
	buf_addf(to, "    %s %zu ", item_failed(item) ? "not ok" : "ok", n);
	name(to, title);
	if (item_skipped(item)) {
		buf_addf(to, " # SKIP ");
		name(to, *message ? message : record_text(item, "verdict"));
	}
	buf_addf(to, "\n");
}

/* A plan of none is an error for readers: such a file is a test that was skipped. */
static void file(const json_t *record, size_t n, struct buf *to)
{
	const json_t *tests = json_object_get(record, "tests");
	const json_t *error = json_object_get(record, "error");
	size_t nr = json_array_size(tests) + (error ? 1 : 0), i;
	bool ok = !strcmp(record_text(record, "verdict"), "ok");
	struct buf notes = { 0 };
	json_t *test;

	if (nr) {
		buf_addf(to, "    KTAP version 1\n    # Subtest: ");
		name(to, record_text(record, "name"));
		buf_addf(to, "\n    1..%zu\n", nr);
	}
	json_array_foreach(tests, i, test)
		outcome(to, i + 1, record_text(test, "name"), test);
	if (error)
		outcome(to, nr, "(the file)", error);
	format_file_notes(&notes, "", record);
	if (json_is_true(json_object_get(record, "reused")))
		buf_addf(&notes, "reused: passed in an earlier run, with the same inputs\n");
	comment(to, "", buf_str(&notes));
	buf_addf(to, "%s %zu ", ok ? "ok" : "not ok", n);
	name(to, record_text(record, "name"));
	buf_addf(to, "%s\n", nr ? "" : " # SKIP no test was chosen");
	buf_release(&notes);
}

static void end(const struct counts *total, struct buf *to)
{
	buf_addf(to, "# ");
	counts_line(total, to);
	buf_addf(to, "\n");
}

const struct format format_tap = {
	.name = "tap", .comment = "# ", .begin = begin, .file = file, .end = end,
};
