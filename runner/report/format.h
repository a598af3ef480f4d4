/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Report formats.
 *
 * A format is a table of functions that append to a buffer, called in this
 * order.  Each can be NULL:
 *	begin	once, with the number of files
 *	start	a file starts; its record has only file, name and started
 *	result	a program that the running test runs has printed a result
 *	test	a test has ended
 *	file	a file has ended: its record, and its number, from 1
 *	end	once, with the counts of all files
 */
#ifndef RUNNER_REPORT_FORMAT_H
#define RUNNER_REPORT_FORMAT_H

#include "runner/report/record.h"

struct format {
	const char *name;
	const char *comment;		/* put before a line that is not part
					 * of the format; NULL: no such lines
					 * allowed */
	void (*begin)(size_t nr_files, struct buf *to);
	void (*start)(const json_t *record, struct buf *to);
	void (*test)(const json_t *record, const json_t *test, struct buf *to);
	void (*result)(const json_t *record, const json_t *test, const json_t *result,
		       struct buf *to);
	void (*file)(const json_t *record, size_t n, struct buf *to);
	void (*end)(const struct counts *total, struct buf *to);
};

/*
 * human: for people.  brief: as human, but lists only the failed tests of a
 * file. tap: KTAP, tests nested in files.  json: one object per line.  junit:
 * XML.  html: a page for a browser.  github: as human, with annotations for
 * GitHub Actions.  annotations: these alone.
 */
extern const struct format format_human, format_brief, format_tap, format_json,
	format_junit, format_html, format_github, format_annotations;

/*
 * Returns the format with that name, or NULL.  The user cannot choose brief and
 * annotations.
 */
const struct format *format_find(const char *name);

/*
 * Calls the format's functions for a complete record: start, test for each
 * test, file.
 */
void format_record(const struct format *format, const json_t *record, size_t n,
		   struct buf *to);

/*
 * Appends each line of text, preceded by the indent; nothing if the text is
 * empty.
 */
void format_lines(struct buf *to, const char *indent, const char *text);
/*
 * Appends what helps to understand a failure, from the file and line to the
 * command that runs the test again.  Each line is preceded by the indent.
 * kernel_lines: the maximum number of kernel log lines for each VM.
 */
void format_evidence(struct buf *to, const char *indent, const json_t *item,
		     size_t kernel_lines);
/* Appends a file's output and the path of its logs. */
void format_file_notes(struct buf *to, const char *indent, const json_t *record);

#endif
