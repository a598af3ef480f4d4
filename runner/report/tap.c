// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format tap: KTAP (Documentation/dev-tools/ktap.rst), tests nested in
 * files.
 *
 * tools/testing/kunit/kunit_parser.py has to read it as well.  It does not
 * accept a "#" in a test's name, and takes some words for the end of a kernel
 * log wherever they occur.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report/format.h"

#define KERNEL_LINES 200

static void begin(size_t nr_files, struct buf *to)
{
	buf_addf(to, "KTAP version 1\n1..%zu\n", nr_files);
}

/*
 * kunit_parser.py takes a line that contains one of these words for the end of
 * a log (KTAP_END).  If text starts with one of them, returns the offset of its
 * first blank; else 0.
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

/*
 * Escapes "#", which starts a directive, and newlines.  KTAP allows no empty
 * name.
 */
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

/*
 * Adds a comment line.  Puts a dot into the words that kunit_parser.py would
 * take for the end of a log; as a pattern for -f the line still matches.
 */
static void comment_line(struct buf *to, const char *indent, const char *text, size_t n)
{
	size_t from = to->len;
	char *at;

	/*
	 * kunit_parser.py takes "# Subtest: " for a header; two blanks prevent
	 * that.
	 */
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

/* Adds the line "ok 1 NAME". */
static void result_line(struct buf *to, const char *indent, size_t n, const char *title,
			const json_t *item)
{
	const char *message = record_text(item, "message");

	buf_addf(to, "%s%s %zu ", indent, item_failed(item) ? "not ok" : "ok", n);
	name(to, title);
	if (item_skipped(item)) {
		buf_addf(to, " # SKIP ");
		name(to, *message ? message : record_text(item, "verdict"));
	}
	buf_addf(to, "\n");
}

/*
 * Adds an item's results as a nested block, which comes before the item's own
 * line.
 */
static void results(struct buf *to, const char *indent, const char *title, const json_t *item)
{
	const json_t *list = json_object_get(item, "results");
	char *deeper = xasprintf("%s    ", indent);
	json_t *result;
	size_t i;

	if (json_array_size(list)) {
		buf_addf(to, "%sKTAP version 1\n%s# Subtest: ", deeper, deeper);
		name(to, title);
		buf_addf(to, "\n%s1..%zu\n", deeper, json_array_size(list));
	}
	json_array_foreach(list, i, result) {
		results(to, deeper, record_text(result, "name"), result);
		if (item_failed(result))
			comment(to, deeper, record_text(result, "message"));
		result_line(to, deeper, i + 1, record_text(result, "name"), result);
	}
	free(deeper);
}

static void outcome(struct buf *to, size_t n, const char *title, const json_t *item)
{
	const char *message = record_text(item, "message");
	struct buf evidence = { 0 };

	results(to, "    ", title, item);
	if (item_failed(item)) {
		/*
		 * In KTAP, diagnostics come before the result to which they
		 * belong.
		 */
		format_evidence(&evidence, "", item, KERNEL_LINES);
		comment(to, "    ", message);
		comment(to, "    ", buf_str(&evidence));
		buf_release(&evidence);
	}
	result_line(to, "    ", n, title, item);
}

/*
 * Programs that read TAP refuse a plan of 0 tests, so a file without tests is
 * reported as one skipped test.
 */
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
	if (*record_text(record, "kernels"))
		buf_addf(&notes, "kernels: %s\n", record_text(record, "kernels"));
	if (json_is_true(json_object_get(record, "reused")))
		buf_addf(&notes, "reused: passed in an earlier run with the same inputs\n");
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
