/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reports: formats made of records, and what is common to them.
 *
 * A format is a row of functions that add to a buffer, called in this order;
 * those it has no use for are NULL:
 *	begin	once: how many files there will be
 *	start	a file starts; its record has file, name and started only
 *	test	a test has ended
 *	file	a file has ended: its record, and which one it is (from 1)
 *	end	once: all of it, counted
 */
#ifndef RUNNER_REPORT_FORMAT_H
#define RUNNER_REPORT_FORMAT_H

#include "runner/report/record.h"

struct format {
	const char *name;
	const char *comment;		/* before a line of ours; NULL: there are none */
	void (*begin)(size_t nr_files, struct buf *to);
	void (*start)(const json_t *record, struct buf *to);
	void (*test)(const json_t *record, const json_t *test, struct buf *to);
	void (*file)(const json_t *record, size_t n, struct buf *to);
	void (*end)(const struct counts *total, struct buf *to);
};

/*
 * human: for people.  brief: the same, a line for a file and what has failed in it.
 * tap: KTAP, tests nested in files.  json: an object a line.  junit: XML.
 */
extern const struct format format_human, format_brief, format_tap, format_json,
	format_junit;

/* One of those that a user can ask for, or NULL. */
const struct format *format_find(const char *name);

/* Calls a format's function for a whole record: start, each test, file. */
void format_record(const struct format *format, const json_t *record, size_t n,
		   struct buf *to);

/* Every line of text behind the indent; nothing for an empty text. */
void format_lines(struct buf *to, const char *indent, const char *text);
/*
 * What helps to understand a failure, from its place to the command that
 * repeats it, line by line behind the indent.  kernel_lines: at most so many
 * of the kernel's for each VM.
 */
void format_evidence(struct buf *to, const char *indent, const json_t *item,
		     size_t kernel_lines);
/* What a file's record has beside its tests: what it printed, where the logs are. */
void format_file_notes(struct buf *to, const char *indent, const json_t *record);

#endif
