// SPDX-License-Identifier: GPL-2.0-only
/* Runs test files one after the other and reports their results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"
#include "runner/base/exit_status.h"
#include "runner/base/files.h"
#include "runner/base/interrupt.h"
#include "runner/base/tty.h"
#include "runner/gate/gate.h"
#include "runner/make/return_tokens.h"
#include "runner/make/session.h"
#include "runner/make/status_line.h"
#include "runner/report/advice.h"
#include "runner/run/child.h"
#include "runner/run/doing.h"
#include "runner/run/find_tests.h"
#include "runner/run/interrupted.h"
#include "runner/run/last_counts.h"
#include "runner/run/last_failures.h"
#include "runner/run/launch.h"
#include "runner/run/live_line.h"
#include "runner/run/suite.h"

#define SESSION_COLUMNS 20u	/* of make's counts, before what a file is doing */

struct suite {
	const struct suite_opts *opts;
	struct test_paths files;
	json_t *failed;			/* what last_failures_load() returned,
					 * if rerun_failed is set */
	json_t *given;			/* what given_environment() returned */
	struct counts total;
	struct advice advice;
	size_t nr_started, nr_done;
	unsigned int nr_repeated;	/* how often everything has run */
	bool accel_printed;
	bool live;			/* the terminal shows what a file is doing */
	size_t nr_tests;		/* of the running file; 0: unknown */
	struct buf out;			/* part of the report that is not printed yet */
};

static void print(struct suite *s)
{
	if (s->live) {
		live_print(buf_str(&s->out), s->out.len);
	} else {
		fwrite(buf_str(&s->out), 1, s->out.len, stdout);
		fflush(stdout);
	}
	s->out.len = 0;
}

/*
 * Adds the accelerator to the report, once: before the first file that booted a
 * VM.
 */
static void add_accel(struct suite *s, const json_t *record)
{
	const char *accel = record_text(record, "accel");

	if (s->accel_printed || !*accel || s->opts->verdict || !s->opts->format->comment)
		return;
	buf_addf(&s->out, "%s%s\n", s->opts->format->comment, accel);
	s->accel_printed = true;
}

static void on_test(const json_t *record, const json_t *test, void *arg)
{
	struct suite *s = arg;

	if (s->opts->format->test)
		s->opts->format->test(record, test, &s->out);
	print(s);
}

/* Shows the last result until the next output takes its place. */
static void show_result(const json_t *test, const json_t *result)
{
	struct buf line = { 0 };

	buf_addf(&line, "  · %s: result %zu: %s ... %s", record_text(test, "name"),
		 json_array_size(json_object_get(test, "results")),
		 record_text(result, "name"), record_text(result, "verdict"));
	live_draw(buf_str(&line));
	buf_release(&line);
}

/* Shows what the file is doing; in make's session beside the other counts. */
static void tick(const struct child_progress *progress, void *arg)
{
	struct suite *s = arg;
	struct buf line = { 0 };

	doing_add(&line, progress, s->nr_tests,
		  tty_usable_columns() - (s->live ? 0 : SESSION_COLUMNS));
	if (s->live)
		live_draw(buf_str(&line));
	else
		session_tick(buf_str(&line));
	buf_release(&line);
}

/* Reports to stderr unless the report's format is one for people. */
static void on_interrupt(const json_t *record, const json_t *test, void *arg)
{
	struct suite *s = arg;
	bool for_people = s->opts->format->comment && !*s->opts->format->comment;

	if (s->live)
		live_end();
	counts_add(&s->total, record);
	interrupted_file(&s->out, record, test);
	if (!s->opts->verdict)
		interrupted_end(&s->out, &s->total, s->files.nr * s->opts->repeat - s->nr_started);
	if (s->opts->session)
		session_end("", (char *)s->out.p, s->out.len);
	else if (for_people)
		print(s);
	else
		files_write_all(STDERR_FILENO, buf_str(&s->out), s->out.len);
	s->out.len = 0;
}

static void on_result(const json_t *record, const json_t *test, const json_t *result, void *arg)
{
	struct suite *s = arg;

	if (s->opts->format->result)
		s->opts->format->result(record, test, result, &s->out);
	print(s);
	if (s->live)
		show_result(test, result);
}

/*
 * For --rerun-failed: sets the variables with which the file failed, except
 * those that the user has set, and says so.
 */
static void set_environment(struct suite *s, const char *path, const json_t *entry)
{
	const char *comment = s->opts->format->comment;
	json_t *used = json_object();
	struct buf words = { 0 };

	for (const char *const *name = record_environment; *name; name++) {
		if (json_object_get(s->given, *name))
			continue;
		if (*record_text(entry, *name)) {
			setenv(*name, record_text(entry, *name), 1);
			json_object_set(used, *name, json_object_get(entry, *name));
		} else {
			unsetenv(*name);
		}
	}
	record_add_environment(&words, used);
	if (words.len && comment)
		buf_addf(&s->out, "%s%s runs with what it failed with: %.*s\n", comment, path,
			 (int)words.len - 1, buf_str(&words));
	buf_release(&words);
	json_decref(used);
}

/* Returns the variables of record_environment that the user has set. */
static json_t *given_environment(void)
{
	json_t *given = json_object();

	for (const char *const *name = record_environment; *name; name++)
		if (getenv(*name) && *getenv(*name))
			json_object_set_new(given, *name, json_true());
	return given;
}

/*
 * Runs the file and records its failures.  Returns the file's record; NULL
 * after an interrupt.
 */
static json_t *run_and_remember(struct suite *s, const char *path)
{
	const struct suite_opts *opts = s->opts;
	const json_t *entry = s->failed ? last_failures_entry(s->failed, path) : NULL;
	const json_t *tests = json_object_get(entry, "tests");
	struct child_opts child = {
		.file = {
			.filter = opts->filter,
			.only = json_is_array(tests) ? tests : NULL,
			.fail_fast = opts->fail_fast,
			.on_failure = opts->on_failure, .gdb = opts->gdb,
			.record = opts->record,
			.chaos = opts->chaos ? opts->chaos + s->nr_repeated : 0,
		},
		.on_test = on_test, .on_result = on_result, .on_interrupt = on_interrupt,
		.arg = s, .capture = opts->verdict || opts->format != &format_human,
		.print = s->live ? live_print : NULL,
		.tick = s->live || (opts->session && session_has_status_line()) ? tick : NULL,
	};
	bool chooses = opts->filter || child.file.only;	/* not all tests of the file run */
	json_t *record = record_new(path);

	s->nr_started++;
	s->nr_tests = !child.tick || chooses ? 0 : last_counts_find(path);
	if (s->failed)
		set_environment(s, path, entry);
	if (opts->format->start)
		opts->format->start(record, &s->out);
	print(s);
	json_decref(record);
	record = opts->launch ? launch_run(path, opts->launch, opts->verdict, &child) :
		 child_run(path, &child);
	if (record)
		last_failures_record(path, record, chooses || opts->fail_fast);
	if (record && !chooses && !json_object_get(record, "error"))
		last_counts_record(path, json_array_size(json_object_get(record, "tests")));
	return record;
}

/*
 * Reports the end of the file and, for make, writes its result.  Returns an
 * exit status.
 */
static int report_file(struct suite *s, const json_t *record)
{
	const struct suite_opts *opts = s->opts;
	struct err err;
	int ret = 0;

	counts_add(&s->total, record);
	advice_note(&s->advice, record);
	add_accel(s, record);
	opts->format->file(record, ++s->nr_done, &s->out);
	if (opts->verdict)
		ret = result_write(opts->verdict, record, &err);
	if (opts->session) {
		session_end(record_text(record, "verdict"), (char *)s->out.p, s->out.len);
		s->out.len = 0;
	}
	print(s);
	if (ret)
		fprintf(stderr, "provium test: %s\n", err.text);
	return ret ? EXIT_BROKEN : 0;
}

static int run_once(struct suite *s)
{
	for (size_t i = 0; i < s->files.nr; i++) {
		json_t *record = run_and_remember(s, s->files.path[i]);
		struct counts c = { 0 };
		int ret;

		if (!record)
			return -interrupt_pending();
		ret = report_file(s, record);
		counts_add(&c, record);
		json_decref(record);
		if (ret || (s->opts->fail_fast && counts_status(&c)))
			return ret;
	}
	return 0;
}

/*
 * For --rerun-failed: keeps only the given files that failed; if no file was
 * given, takes all files that failed.
 */
static void keep_failed(struct suite *s)
{
	struct test_paths failed = { 0 };
	const char *path;
	json_t *tests;

	s->failed = last_failures_load();
	s->given = given_environment();
	for (size_t i = 0; i < s->files.nr; i++)
		if (last_failures_entry(s->failed, s->files.path[i]))
			find_tests_add(&failed, xstrdup(s->files.path[i]));
	if (!s->files.nr)
		json_object_foreach(s->failed, path, tests)
			if (last_failures_entry(s->failed, path))
				find_tests_add(&failed, xstrdup(path));
	find_tests_release(&s->files);
	s->files = failed;
}

/*
 * For --shard: keeps every nr_shards-th file, so that the tests of a folder,
 * which tend to take equally long, fall to different parts.
 */
static void keep_shard(struct suite *s)
{
	unsigned int shard = s->opts->shard, nr_shards = s->opts->nr_shards;
	struct test_paths kept = { 0 };

	for (size_t i = shard - 1; i < s->files.nr; i += nr_shards)
		find_tests_add(&kept, xstrdup(s->files.path[i]));
	if (s->files.nr && !kept.nr)
		fprintf(stderr, "provium test: --shard %u/%u: there are only %zu files, none for this part\n",
			shard, nr_shards, s->files.nr);
	find_tests_release(&s->files);
	s->files = kept;
}

static int find_files(struct suite *s, char *const *paths, size_t nr)
{
	if (find_tests(paths, nr, &s->files))
		return EXIT_USAGE;
	if (s->opts->rerun_failed)
		keep_failed(s);
	if (!s->files.nr)
		fprintf(stderr, "provium test: --rerun-failed: no test failed when it last ran\n");
	if (s->opts->nr_shards)
		keep_shard(s);
	return 0;
}

/*
 * Says that the pattern of -f selects no test.  A user may have meant the
 * pattern as plain text.
 */
static int report_no_match(const char *filter)
{
	bool has_magic = strpbrk(filter, "-.+*?^$%()[]");

	fprintf(stderr, "provium test: -f %s: no test's title matches%s\n", filter, has_magic ?
		"; it is a Lua pattern, in which a % before one of - . + * ? ^ $ ( ) [ ] % makes "
		"it stand for itself" : "");
	return EXIT_USAGE;
}

/*
 * Tells a user at a terminal the commands that show the guests of the tests
 * that have failed.
 */
static void add_advice(struct suite *s)
{
	const struct suite_opts *opts = s->opts;

	if (counts_status(&s->total) && !opts->on_failure && opts->format == &format_human &&
	    isatty(STDOUT_FILENO) && tty_on_stdin())
		advice_add(&s->advice, &s->out);
}

static int run_all(struct suite *s)
{
	const struct suite_opts *opts = s->opts;
	bool no_match;
	int ret = 0;

	if (opts->format->begin)
		opts->format->begin(s->files.nr * opts->repeat, &s->out);
	print(s);
	for (unsigned int i = 0; !ret && i < opts->repeat; i++) {
		s->nr_repeated = i;
		ret = run_once(s);
		if (opts->fail_fast && counts_status(&s->total))
			break;
	}
	no_match = !ret && opts->filter && s->files.nr && !counts_all(&s->total);
	if (no_match)
		ret = report_no_match(opts->filter);
	/* Those that match can be in another part. */
	if (no_match && opts->nr_shards) {
		no_match = false;
		ret = 0;
	}
	/* A run without any test is not "ok". Other formats need their end. */
	if (ret >= 0 && !opts->verdict && !(no_match && opts->format == &format_human)) {
		opts->format->end(&s->total, &s->out);
		add_advice(s);
	}
	print(s);
	return ret;
}

/* --- opening and closing the gate --- */

static int open_gate(const struct suite_opts *opts)
{
	char *account = opts->verdict ? return_tokens_account(opts->verdict) : NULL;
	char *dir = files_dirname(account ? account : ".");
	struct err err;
	int ret;

	files_mkdirs(dir);
	ret = gate_init(account, &err) ? EXIT_BROKEN : 0;
	if (ret)
		fprintf(stderr, "provium test: %s\n", err.text);
	free(dir);
	free(account);
	return ret;
}

static void close_gate(const struct suite_opts *opts)
{
	char *account = opts->verdict ? return_tokens_account(opts->verdict) : NULL;

	gate_return_tokens();
	if (account)
		unlink(account);
	free(account);
}

/* --- running all test files --- */

/*
 * With --fail-fast, make's further runners skip their files after one has
 * failed.  Removes the file's old verdict, so that make runs it next time.
 */
static bool skip_after_failure(const struct suite_opts *opts)
{
	if (!opts->session || !opts->fail_fast || !session_has_failure(opts->session))
		return false;
	result_forget(opts->verdict);
	return true;
}

/*
 * The jobs of a make -jN share its terminal; only those of a session know about
 * each other.
 */
static bool shares_terminal(void)
{
	const char *makeflags = getenv("MAKEFLAGS");

	return makeflags && strstr(makeflags, "--jobserver");
}

int suite_run(char *const *paths, size_t nr_paths, const struct suite_opts *opts)
{
	struct suite s = {
		.opts = opts,
		.live = !opts->verdict && opts->format == &format_human &&
			!opts->on_failure && !opts->gdb && status_line_possible() &&
			!shares_terminal(),
	};
	int ret;

	if ((opts->verdict && gate_dry_run()) || skip_after_failure(opts))
		return 0;
	ret = open_gate(opts);
	if (opts->session) {
		session_join(opts->session, opts->verdict);
		gate_on_wait(session_wait);
	}
	if (!ret)
		ret = find_files(&s, paths, nr_paths);
	if (!ret)
		ret = run_all(&s);
	close_gate(opts);
	find_tests_release(&s.files);
	json_decref(s.failed);
	json_decref(s.given);
	buf_release(&s.out);
	/*
	 * With --verdict, `provium make-summary` returns the status of the
	 * tests.
	 */
	return ret || opts->verdict ? ret : counts_status(&s.total);
}
