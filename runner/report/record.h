/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of one test file; every report is made from it.
 *
 * A JSON object:
 *	file, name	path as given, and its last part
 *	verdict		"ok", "FAIL" or "BROKEN"
 *	seconds		number, without the wait for memory and job tokens
 *	waited		seconds of that wait
 *	memory		MiB: the most that the file has asked the gate for at any one
 *			time, for --launch; absent if it booted no VM itself
 *	started		"2026-01-31T12:00:00", UTC
 *	tests		[item], in the order in which they ended
 *	error		item without name: an error outside of the tests
 *	accel, release	of the VM that booted last: the accelerator and the
 *			profile, as in the first line of a run, and the kernel's
 *			release; absent if no VM was booted
 *	kernels		"minimal 6.1.192, debug 6.1.192": profile and release of each
 *			kernel that ran
 *	ignored		number of kernel complaints that the tests ignored
 *	output		what the file printed, if the caller kept it
 *	notes		texts that are no failures: a shell was open in a VM
 *	logs		directory with the complete consoles, after a failure
 *	logs_error	why they could not be kept
 *	deps		[path]: every file that the verdict depends on
 *	changed		the first of them that has changed since its first use: the
 *			verdict is not kept; absent if none has
 *	timeline	{ start, ms, budget, spans, reserved, totals }: when the
 *			file ran and its VMs were made. start: ms since 1970; ms:
 *			how long; budget: MiB for all VMs.
 *			spans: [[kind, from, to]], in ms since start: "memory" and
 *			"tokens" (job tokens) are waits for these, "fixture" until
 *			one is built, "boot", "resume" (of a clone).
 *			reserved: [[at, MiB, VMs]]: from then on so much memory is
 *			reserved, and so many VMs run.
 *			totals: { kind: [number, ms] }, also of spans left out
 *	reused		true: the record of an earlier run (in make's reports)
 *
 * An item:
 *	name, verdict	"ok", "FAIL", "BROKEN", "skip" or "todo"
 *	message, where	the error, and its "file:line"
 *	source		{ where, lines [line] }: the lines of the test around it
 *	setup		true: the guest did not boot, or a fixture's script failed:
 *			this is the fault of neither the test nor the host
 *	seconds		number
 *	results		[{ name, verdict, message, seconds, results }]: results that
 *			a program run by the test printed; each can have results
 *			in it. seconds: since the result before it; can be absent
 *	log		[line] that the test left with log()
 *	complaints	[{ vm, kind, title, fatal, panic, reports, lines [line],
 *			source }]: unexpected reports of the kernel, without
 *			register dumps; lines are of the first of `reports` ones
 *			with this title. source: { where "file:line", lines [line] }, the
 *			lines around the first entry of a module
 *	kernel		[{ vm, lines [line], more }]: the kernel log during the
 *			test; `more` lines before these were left out
 *	consoles	[{ vm, lines [line] }]: the last lines of each console
 *	filter		the pattern for -f that chooses this test
 *	chaos		with --chaos: the seed
 *	recording	after a failure with --record: the folder with the
 *			recording of the VM that the test used last
 *	replay		the command that replays it up to the failing call, in gdb
 *	keeper		pid of the process that keeps the test's VM; keeper_shows:
 *			"shell", or "gdb" if the guest is dead
 *	kept		the command that looks into it
 *	repeat		after a failure: the command that runs it again
 *	look, in_gdb	the command that starts gdb on its guest, and the command
 *			of gdb that shows where the kernel was
 *
 * All strings are clean (text_clean() in runner/base/text.h).  Empty members
 * are absent.
 */
#ifndef RUNNER_REPORT_RECORD_H
#define RUNNER_REPORT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

/* Returns an empty record of this test file.  The caller owns it. */
json_t *record_new(const char *file);
/* Sets the record's error, and its verdict. */
void record_set_error(json_t *record, const char *verdict, const char *message);
/*
 * The names of the environment variables that choose what a test runs on;
 * NULL ends the list.
 */
extern const char *const record_environment[];
/*
 * Returns the variables of record_environment that are set to other than the
 * default, as an object.  The caller owns it.
 */
json_t *record_environment_now(void);
/*
 * Appends the object of record_environment_now() as words for a shell,
 * "NAME=VALUE ".
 */
void record_add_environment(struct buf *to, const json_t *set);
/*
 * Appends the command that starts this runner from the folder in which the user
 * typed the command (runner/base/caller.h), with the variables that choose what
 * it runs on.
 */
void record_add_command(struct buf *to);
/*
 * Sets `repeat`, the command that runs the test again, if the item failed. item
 * can be NULL. file: the path as the user gave it.
 */
void record_add_repeat(json_t *item, const char *file);
/* Returns a text member of a record or an item; "" if it is missing. */
const char *record_text(const json_t *record, const char *key);
double record_seconds(const json_t *record);
/* Returns true if the item's verdict is FAIL or BROKEN, or is missing. */
bool item_failed(const json_t *item);
/* Returns true if the item's verdict is skip or todo. */
bool item_skipped(const json_t *item);

/*
 * Calls fn for each result of an item that contains no further results, and for
 * each failure that no result inside of it explains.  path: the names from the
 * item's result down to this one, separated by "/".
 */
void item_each_result(const json_t *item, const char *path,
		      void (*fn)(void *context, const json_t *result, const char *path),
		      void *context);

struct counts {
	unsigned int passed, failed, broken, skipped, ignored;
};

/* Counts one test or result. */
void counts_add_item(struct counts *c, const json_t *item);
/*
 * Adds the tests of a record to the counts; an error of the file counts as one
 * more test.
 */
void counts_add(struct counts *c, const json_t *record);
unsigned int counts_all(const struct counts *c);
/* Returns the exit status for these counts (runner/base/exit_status.h). */
int counts_status(const struct counts *c);
/*
 * Appends a line such as "ok: 12 passed" or "FAIL: 10 passed, 2 failed, 1
 * skipped".
 */
void counts_line(const struct counts *c, struct buf *to);
/* The same without the verdict: "10 passed, 2 failed, 1 skipped". */
void counts_numbers(const struct counts *c, struct buf *to);

/*
 * Writes the files that make uses for a test: base.result (the record), base.d
 * (the dependencies of base.ok) and, only after a pass, base.ok.  If the test
 * depends on a path that make cannot read (make_path.h), base.ok is not
 * written, so that make runs the test each time.  0 or -errno.
 */
int result_write(const char *base, const json_t *record, struct err *err);
/*
 * Reads base.result.  The caller owns the record.  0 or -errno with err filled.
 */
int result_read(const char *base, json_t **record, struct err *err);
/* Removes base.ok, the file that tells make of a pass. */
void result_forget(const char *base);

#endif
