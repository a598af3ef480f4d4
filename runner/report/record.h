/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of one test file, of which every report is made.
 *
 * A JSON object:
 *	file, name	path as given, and what to call it
 *	verdict		"ok", "FAIL" or "BROKEN"
 *	seconds		number, without waiting for its turn at the gate
 *	waited		that, if it had to
 *	started		"2026-01-31T12:00:00", UTC
 *	tests		[item], in the order in which they ended
 *	error		item without name: what ended the file, outside of its tests
 *	accel, release	what it ran on; absent when nothing was booted
 *	ignored		number of kernel complaints that were to be ignored
 *	output		what the file printed, when that was to be kept
 *	logs		folder with whole consoles, kept after a failure
 *	logs_error	why they could not be kept
 *	deps		[path]: every file that went into the verdict
 *	reused		true: of an earlier run (in make's reports)
 *
 * An item:
 *	name, verdict	"ok", "FAIL", "BROKEN", "skip" or "todo"
 *	message, where	what was wrong, and "file:line"
 *	seconds		number
 *	log		[line] that the test left with log()
 *	kernel		[{ vm, lines [line], more }]: what the kernel said meanwhile,
 *			`more` lines before those
 *	consoles	[{ vm, lines [line] }]: their ends
 *	filter		the pattern for -f that chooses it
 *	repeat		after a failure: the command that runs it again
 *
 * All strings are clean (runner/base/text.h).  What would be empty is absent.
 */
#ifndef RUNNER_REPORT_RECORD_H
#define RUNNER_REPORT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

/* An empty record of this file.  The caller's. */
json_t *record_new(const char *file);
/* Sets the record's error, and its verdict. */
void record_set_error(json_t *record, const char *verdict, const char *message);
/* Sets the item's `repeat` if it is a failure; item may be NULL.  file: the path
 * as it was given, unclean. */
void record_add_repeat(json_t *item, const char *file);
/* The record's or item's text field, or "" */
const char *record_text(const json_t *record, const char *key);
double record_seconds(const json_t *record);
/* Whether an item has failed (FAIL, BROKEN, or no verdict at all). */
bool item_failed(const json_t *item);
/* Whether it counts as skipped: skip or todo. */
bool item_skipped(const json_t *item);

struct counts {
	unsigned int passed, failed, broken, skipped, ignored;
};

/* Adds a record's tests; an error of the file counts as one more. */
void counts_add(struct counts *c, const json_t *record);
unsigned int counts_all(const struct counts *c);
/* The exit status that these counts amount to (runner/base/exit_status.h). */
int counts_status(const struct counts *c);
/* "ok: 12 passed" or "FAIL: 10 passed, 2 failed, 1 skipped". */
void counts_line(const struct counts *c, struct buf *to);

/*
 * For make: base.result (the record), base.d (make's dependencies of
 * base.ok), and base.ok, which exists only after a pass.  A test that depends
 * on a path which make cannot read (make_path.h) gets no base.ok, so that make
 * runs it each time.  0 or -errno.
 */
int result_write(const char *base, const json_t *record, struct err *err);
int result_read(const char *base, json_t **record, struct err *err);
/* There is no verdict any more. */
void result_forget(const char *base);

#endif
