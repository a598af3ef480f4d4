/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of one test file, and the formats made from it.
 *
 * A JSON object:
 *	file, name	path as given, and what to call it
 *	verdict		"ok", "FAIL" or "BROKEN"
 *	seconds		number
 *	tests		[{ name, verdict ("ok", "FAIL", "BROKEN", "skip",
 *			"todo"), message, where ("file:line"), seconds,
 *			log [line], consoles [{ vm, lines [line] }] }]
 *	error		the same without name: what ended the file, outside of
 *			its tests
 *	accel, release	what it ran on; absent when nothing was booted
 *	ignored		number of kernel complaints that were to be ignored
 *	logs		folder with whole consoles, kept after a failure
 *	logs_error	why they could not be kept
 *	deps		[path]: every file that went into the verdict
 */
#ifndef RUNNER_REPORT_RECORD_H
#define RUNNER_REPORT_RECORD_H

#include <jansson.h>
#include <stdio.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

struct counts {
	unsigned int passed, failed, broken, skipped, ignored;
};

/* Adds a record's tests; an error of the file counts as one more. */
void counts_add(struct counts *c, const json_t *record);
/* 0 all passed, 1 a test failed, 3 broken infrastructure. */
int counts_status(const struct counts *c);
/* "ok: 12 passed" or "FAIL: 10 passed, 2 failed, 1 skipped". */
void counts_line(const struct counts *c, struct buf *to);

/* A record for a file whose runner left none. */
json_t *record_broken(const char *file, const char *verdict, const char *message);
/* The record's text field, or "" */
const char *record_text(const json_t *record, const char *key);

/* The file's lines for a person. */
void human_file(const json_t *record, struct buf *to);
/* KTAP: the plan of nr_files, then file number n with its tests nested. */
void tap_plan(size_t nr_files, struct buf *to);
void tap_file(const json_t *record, size_t n, struct buf *to);

/*
 * For make: base.result (the record), base.d (make's dependencies of
 * base.ok), and base.ok, which exists only after a pass.  0 or -errno.
 */
int result_write(const char *base, const json_t *record, struct err *err);
int result_read(const char *base, json_t **record, struct err *err);

#endif
