// SPDX-License-Identifier: GPL-2.0-only
/* Makes records, reads their fields and counts their tests. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/caller.h"
#include "runner/base/exit_status.h"
#include "runner/base/text.h"
#include "runner/report/record.h"

/* --- making records --- */

static void set_clean(json_t *object, const char *key, const char *text)
{
	char *clean = text_cleaned(text);

	json_object_set_new(object, key, json_string(clean));
	free(clean);
}

json_t *record_new(const char *file)
{
	const char *slash = strrchr(file, '/');
	json_t *record = json_pack("{s:s, s:f, s:[]}", "verdict", "FAIL",
				   "seconds", 0.0, "tests");
	time_t now = time(NULL);
	struct tm tm;
	char started[32];

	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &tm));
	set_clean(record, "file", file);
	set_clean(record, "name", slash ? slash + 1 : file);
	set_clean(record, "started", started);
	json_object_set_new(record, "deps", json_pack("[O]", json_object_get(record, "file")));
	return record;
}

void record_set_error(json_t *record, const char *verdict, const char *message)
{
	json_object_set_new(record, "error", json_pack("{s:s}", "verdict", verdict));
	set_clean(json_object_get(record, "error"), "message", message);
	json_object_set_new(record, "verdict", json_string(verdict));
}

/* Appends the path of this runner, as the user types it. */
static void add_runner(struct buf *to)
{
	char exe[PATH_MAX] = "", *shown;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		strcpy(exe, "provium");
	shown = caller_path(exe);
	text_quote(to, shown);
	free(shown);
}

/*
 * Is the variable set to other than the default? make exports PROFILE=minimal,
 * which is the default.
 */
static bool is_set(const char *value)
{
	return value && *value && strcmp(value, "minimal");
}

const char *const record_environment[] = { "PROFILE", "ACCEL", "TRANSPORT", NULL };

json_t *record_environment_now(void)
{
	json_t *set = json_object();

	for (const char *const *name = record_environment; *name; name++)
		if (is_set(getenv(*name)))
			json_object_set_new(set, *name, json_string(getenv(*name)));
	return set;
}

void record_add_environment(struct buf *to, const json_t *set)
{
	for (const char *const *name = record_environment; *name; name++) {
		if (!*record_text(set, *name))
			continue;
		buf_addf(to, "%s=", *name);
		text_quote(to, record_text(set, *name));
		buf_addf(to, " ");
	}
}

void record_add_command(struct buf *to)
{
	json_t *set = record_environment_now();

	record_add_environment(to, set);
	json_decref(set);
	add_runner(to);
}

/*
 * Sets the item's `replay`, a command, if the VM of the failed test was
 * recorded.
 */
static void add_replay(json_t *item)
{
	struct buf b = { 0 };
	char *shown;

	if (!*record_text(item, "recording"))
		return;
	record_add_command(&b);
	buf_addf(&b, " replay ");
	shown = caller_path(record_text(item, "recording"));
	text_quote(&b, shown);
	free(shown);
	buf_addf(&b, " --gdb --until failing-call");
	json_object_set_new(item, "replay", json_string(buf_str(&b)));
	buf_release(&b);
}

/* Sets the item's `kept`, a command, if the VM of the failed test was kept. */
static void add_kept(json_t *item)
{
	json_int_t keeper = json_integer_value(json_object_get(item, "keeper"));
	struct buf b = { 0 };

	if (!keeper)
		return;
	record_add_command(&b);
	buf_addf(&b, " %s --attach %lld", record_text(item, "keeper_shows"), (long long)keeper);
	json_object_set_new(item, "kept", json_string(buf_str(&b)));
	buf_release(&b);
}

/* Returns the command that runs the failed test again, with an option. */
static json_t *test_command(const json_t *item, const char *file, const char *option)
{
	json_t *command;
	struct buf b = { 0 };
	char *shown;

	record_add_command(&b);
	buf_addf(&b, " test %s", option);
	if (!*option && json_object_get(item, "chaos"))
		buf_addf(&b, "--chaos %lld ",
			 (long long)json_integer_value(json_object_get(item, "chaos")));
	if (*record_text(item, "filter")) {
		buf_addf(&b, "-f ");
		text_quote(&b, record_text(item, "filter"));
		buf_addf(&b, " ");
	}
	shown = caller_path(file);
	if (*shown == '-')
		buf_addf(&b, "-- ");
	text_quote(&b, shown);
	free(shown);
	command = json_string(buf_str(&b));
	buf_release(&b);
	return command;
}

/*
 * The item's `look` is the command of gdb that shows the cause of the failure
 * (runner/lua/look.lua): makes it the command that starts gdb, and `in_gdb`
 * that of gdb.
 */
static void add_look(json_t *item, const char *file)
{
	json_t *in_gdb = json_object_get(item, "look");
	bool goes_on = !strcmp(record_text(item, "look"), "complaint");

	if (!in_gdb)
		return;
	json_object_set(item, "in_gdb", in_gdb);
	json_object_set_new(item, "look", test_command(item, file, goes_on ? "--gdb " :
						       "--on-failure=gdb "));
}

void record_add_repeat(json_t *item, const char *file)
{
	if (!item || !item_failed(item))
		return;
	add_replay(item);
	add_kept(item);
	add_look(item, file);
	json_object_set_new(item, "repeat", test_command(item, file, ""));
}

/* --- reading records --- */

const char *record_text(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

double record_seconds(const json_t *record)
{
	return json_number_value(json_object_get(record, "seconds"));
}

bool item_skipped(const json_t *item)
{
	const char *verdict = record_text(item, "verdict");

	return !strcmp(verdict, "skip") || !strcmp(verdict, "todo");
}

bool item_failed(const json_t *item)
{
	return !item_skipped(item) && strcmp(record_text(item, "verdict"), "ok");
}

/* Returns true if a result in this item failed. */
static bool has_failed_result(const json_t *item)
{
	json_t *result;
	size_t i;

	json_array_foreach(json_object_get(item, "results"), i, result)
		if (item_failed(result) || has_failed_result(result))
			return true;
	return false;
}

void item_each_result(const json_t *item, const char *path,
		      void (*fn)(void *context, const json_t *result, const char *path),
		      void *context)
{
	const json_t *results = json_object_get(item, "results");
	json_t *result;
	size_t i;

	json_array_foreach(results, i, result) {
		char *below = xasprintf("%s%s%s", path, *path ? "/" : "",
					record_text(result, "name"));

		item_each_result(result, below, fn, context);
		if (!json_array_size(json_object_get(result, "results")) ||
		    (item_failed(result) && !has_failed_result(result)))
			fn(context, result, below);
		free(below);
	}
}

/* --- counting tests by verdict --- */

void counts_add_item(struct counts *c, const json_t *item)
{
	if (item_skipped(item))
		c->skipped++;
	else if (!item_failed(item))
		c->passed++;
	else if (!strcmp(record_text(item, "verdict"), "BROKEN"))
		c->broken++;
	else
		c->failed++;	/* FAIL, or no verdict */
}

void counts_add(struct counts *c, const json_t *record)
{
	const json_t *error = json_object_get(record, "error");
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(record, "tests"), i, test)
		counts_add_item(c, test);
	if (error)
		counts_add_item(c, error);
	c->ignored += (unsigned int)json_integer_value(
		json_object_get(record, "ignored"));
}

unsigned int counts_all(const struct counts *c)
{
	return c->passed + c->failed + c->broken + c->skipped;
}

int counts_status(const struct counts *c)
{
	return c->failed ? EXIT_TEST_FAILED : c->broken ? EXIT_BROKEN : 0;
}

void counts_numbers(const struct counts *c, struct buf *to)
{
	buf_addf(to, "%u passed", c->passed);
	if (c->failed)
		buf_addf(to, ", %u failed", c->failed);
	if (c->broken)
		buf_addf(to, ", %u broken", c->broken);
	if (c->skipped)
		buf_addf(to, ", %u skipped", c->skipped);
	if (c->ignored)
		buf_addf(to, " (%u kernel complaint%s ignored)", c->ignored,
			 c->ignored == 1 ? "" : "s");
}

void counts_line(const struct counts *c, struct buf *to)
{
	buf_addf(to, "%s: ", counts_status(c) == 0 ? "ok" : c->failed ? "FAIL" : "BROKEN");
	counts_numbers(c, to);
}
