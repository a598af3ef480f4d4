// SPDX-License-Identifier: GPL-2.0-only
/* Sums up the results of all tests of one make and writes the reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/caller.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/base/tty.h"
#include "runner/gate/gate.h"
#include "runner/make/history.h"
#include "runner/make/status_line.h"
#include "runner/make/summary.h"
#include "runner/report/advice.h"
#include "runner/report/format.h"
#include "runner/report/html.h"
#include "runner/report/markdown.h"

struct summary {
	const struct summary_opts *opts;
	json_t *records;		/* array */
	struct counts total;
	struct advice advice;
	size_t nr_bases;
	unsigned int nr_reused, nr_not_run;
	struct buf out;			/* text to print at the end */
};

/*
 * Returns the modification time of the file whose path is base and suffix; all
 * zeros if there is no such file.
 */
static struct timespec mtime(const char *base, const char *suffix)
{
	char *path = xasprintf("%s%s", base, suffix);
	struct stat st;
	bool there = !stat(path, &st);

	free(path);
	return there ? st.st_mtim : (struct timespec){ 0 };
}

/* Was the result written before this run of make? */
static bool is_from_earlier_run(const struct summary *s, const char *base)
{
	return s->opts->since &&
	       files_newer(mtime(s->opts->since, ""), mtime(base, ".result"));
}

static bool has_passed(const char *base)
{
	return mtime(base, ".ok").tv_sec != 0;
}

/* Makes a record for a test BASE that has no readable result. */
static json_t *broken(struct summary *s, const char *base, const char *reason)
{
	json_t *record = record_new(base);

	buf_addf(&s->out, "BROKEN: %s: %s\n", base, reason);
	record_set_error(record, "BROKEN", reason);
	return record;
}

/*
 * Loads the record of the test BASE.  NULL if the test did not run because
 * another one failed.
 */
static json_t *load(struct summary *s, const char *base)
{
	json_t *record = NULL;
	struct err err;

	if (!has_passed(base) && is_from_earlier_run(s, base)) {
		if (s->opts->fail_fast)
			return NULL;
		return broken(s, base, "the runner wrote no result");
	}
	if (result_read(base, &record, &err))
		return broken(s, base, err.text);
	if (is_from_earlier_run(s, base)) {
		json_object_set_new(record, "reused", json_true());
		s->nr_reused++;
	}
	return record;
}

/* Adds a line for the failure, and the command that runs the test again. */
static void add_failure(struct summary *s, const json_t *record, const json_t *item,
			 const char *name)
{
	char *title = xstrdup(name);

	for (char *p = title; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	buf_addf(&s->out, "%s: %s: %s\n", record_text(item, "verdict"),
		 record_text(record, "file"), title);
	if (*record_text(item, "repeat"))
		buf_addf(&s->out, "  repeat: %s\n", record_text(item, "repeat"));
	free(title);
}

static void add_failures(struct summary *s, const json_t *record)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		if (item_failed(test))
			add_failure(s, record, test, record_text(test, "name"));
	if (error && *record_text(error, "repeat"))
		add_failure(s, record, error, "(the file)");
}

/* --- under make watch: the failures at the top of the terminal --- */

/* Lines for what follows the failures: totals, advice, make's and watch's. */
#define LINES_BELOW 8u

/* Has make watch started this make, on a terminal? */
static bool is_watched(void)
{
	const char *watch = getenv("PROVIUM_WATCH");

	return watch && *watch && status_line_possible();
}

/* Adds the file's failures, with all that helps to understand them. */
static void add_file_on_top(struct summary *s, const json_t *record)
{
	struct counts counts = { 0 };

	counts_add(&counts, record);
	if (counts_status(&counts))
		format_record(&format_brief, record, 0, &s->out);
}

/*
 * Clears the terminal, if there is text, and cuts the text so that its
 * beginning is on the screen.
 */
static void place_on_top(struct summary *s)
{
	struct buf text = s->out;
	unsigned int rows, columns;
	size_t at = 0;

	if (!text.len)
		return;
	tty_size(STDOUT_FILENO, &rows, &columns);
	for (unsigned int n = LINES_BELOW; n < rows && at < text.len; n++) {
		const char *line = buf_str(&text) + at;
		size_t length = strcspn(line, "\n");

		n += (unsigned int)(length / columns);
		at += length + (line[length] == '\n');
	}
	s->out = (struct buf){ 0 };
	buf_addf(&s->out, "\033[H\033[2J");
	buf_add(&s->out, text.p, at);
	if (at < text.len)
		buf_addf(&s->out, "… the other failures are in %s/summary.md\n", s->opts->report);
	buf_release(&text);
}

static void add(struct summary *s, const char *base)
{
	json_t *record = load(s, base);

	if (!record) {
		s->nr_not_run++;
		return;
	}
	counts_add(&s->total, record);
	advice_note(&s->advice, record);
	if (is_watched())
		add_file_on_top(s, record);
	else
		add_failures(s, record);
	json_array_append_new(s->records, record);
}

static void add_totals(struct summary *s)
{
	counts_line(&s->total, &s->out);
	buf_addf(&s->out, " (%zu file%s, %u verdict%s reused", s->nr_bases,
		 s->nr_bases == 1 ? "" : "s", s->nr_reused, s->nr_reused == 1 ? "" : "s");
	if (s->nr_not_run)
		buf_addf(&s->out, ", %u file%s not run", s->nr_not_run,
			 s->nr_not_run == 1 ? "" : "s");
	buf_addf(&s->out, ")\n");
}

/* Writes the text to the report of that name, and releases it. */
static int write_file(const struct summary *s, const char *name, struct buf *text,
		      struct err *err)
{
	char *path = files_join(s->opts->report, name);
	int ret = files_write(path, text->p, text->len, err);

	buf_release(text);
	free(path);
	return ret;
}

static int write_report(const struct summary *s, const struct format *format,
			const char *name, struct err *err)
{
	struct buf b = { 0 };
	json_t *record;
	size_t i;

	if (format->begin)
		format->begin(json_array_size(s->records), &b);
	json_array_foreach(s->records, i, record)
		format_record(format, record, i + 1, &b);
	if (format->end)
		format->end(&s->total, &b);
	return write_file(s, name, &b, err);
}

static int write_markdown(const struct summary *s, const char *name, struct err *err)
{
	struct buf b = { 0 };

	markdown_summary(s->records, &s->total, &b);
	return write_file(s, name, &b, err);
}

/* Writes the page, and adds this run to the history, which it shows. */
static int write_html(const struct summary *s, const char *name, struct err *err)
{
	const char *file = s->opts->history;
	json_t *history = file ? history_add(file, s->records, &s->total, err) : NULL;
	struct buf b = { 0 };

	if (file && !history)
		return -EIO;
	html_page(s->records, &s->total, history, &b);
	json_decref(history);
	return write_file(s, name, &b, err);
}

static int write_reports(const struct summary *s)
{
	struct err err;

	if (!s->opts->report)
		return 0;
	files_mkdirs(s->opts->report);
	if (write_report(s, &format_tap, "results.tap", &err) ||
	    write_report(s, &format_junit, "junit.xml", &err) ||
	    write_report(s, &format_json, "results.jsonl", &err) ||
	    write_report(s, &format_annotations, "annotations.txt", &err) ||
	    write_markdown(s, "summary.md", &err) ||
	    write_html(s, "index.html", &err)) {
		fprintf(stderr, "provium make-summary: %s\n", err.text);
		return EXIT_BROKEN;
	}
	return 0;
}

/* Tells a user at a terminal what to do about failures. */
static void add_advice(struct summary *s)
{
	char *page, *shown;

	if (!counts_status(&s->total) || !isatty(STDOUT_FILENO))
		return;
	advice_add(&s->advice, &s->out);
	if (!s->opts->report)
		return;
	page = files_join(s->opts->report, "index.html");
	shown = caller_path(page);
	buf_addf(&s->out, "all of it, for a browser: %s\n", shown);
	free(shown);
	free(page);
}

int summary_run(char *const *bases, size_t nr, const struct summary_opts *opts)
{
	struct summary s = { .opts = opts, .records = json_array(), .nr_bases = nr };
	int ret;

	if (gate_dry_run())
		return 0;
	for (size_t i = 0; i < nr; i++)
		add(&s, bases[i]);
	ret = write_reports(&s);
	if (is_watched())
		place_on_top(&s);
	add_totals(&s);
	add_advice(&s);
	fwrite(s.out.p, 1, s.out.len, stdout);
	buf_release(&s.out);
	json_decref(s.records);
	return counts_status(&s.total) ? counts_status(&s.total) : ret;
}
