// SPDX-License-Identifier: GPL-2.0-only
/*
 * The format junit: XML that is valid by Jenkins' schema (junit-10.xsd) and by
 * the schema of Ant's junitreport.  The evidence of a failed test is the text
 * of its failure element, because Ant's schema has no other place for it.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/report/format.h"

#define KERNEL_LINES 200

/* In an attribute, an XML parser would turn newlines and tabs into blanks. */
static void escape(struct buf *to, const char *text, bool attribute)
{
	for (; *text; text++) {
		if (strchr("&<>\"'", *text) || (attribute && (*text == '\n' || *text == '\t')))
			buf_addf(to, "&#%d;", *text);
		else
			buf_add(to, text, 1);
	}
}

static void attribute(struct buf *to, const char *key, const char *value)
{
	buf_addf(to, " %s=\"", key);
	escape(to, value, true);
	buf_addf(to, "\"");
}

static void property(struct buf *to, const json_t *record, const char *key)
{
	if (!*record_text(record, key))
		return;
	buf_addf(to, "      <property name=\"%s\"", key);
	attribute(to, "value", record_text(record, key));
	buf_addf(to, "/>\n");
}

/*
 * Adds the test file's path with dots for slashes: programs that show reports
 * take dots for directories.
 */
static void class_name(struct buf *to, const json_t *record)
{
	char *path = xstrdup(record_text(record, "file"));
	size_t n = strlen(path);

	if (n > 4 && !strcmp(path + n - 4, ".lua"))
		path[n - 4] = 0;
	for (char *p = path; *p; p++)
		*p = *p == '/' ? '.' : *p;
	attribute(to, "classname", path);
	free(path);
}

/* Adds message and evidence; the element's attribute has only the message. */
static void failure(struct buf *to, const json_t *record, const json_t *item)
{
	bool broken = !strcmp(record_text(item, "verdict"), "BROKEN");
	const char *element = broken ? "error" : "failure";
	struct buf text = { 0 };

	buf_addf(&text, "%s\n", record_text(item, "message"));
	format_evidence(&text, "", item, KERNEL_LINES);
	if (*record_text(record, "logs"))
		buf_addf(&text, "logs kept in %s\n", record_text(record, "logs"));
	buf_addf(to, "      <%s type=\"%s\"", element, broken ? "BROKEN" : "FAIL");
	attribute(to, "message", record_text(item, "message"));
	buf_addf(to, ">");
	escape(to, buf_str(&text), false);
	buf_addf(to, "</%s>\n", element);
	buf_release(&text);
}

static void testcase(struct buf *to, const json_t *record, const json_t *item,
		     const char *name)
{
	buf_addf(to, "    <testcase");
	class_name(to, record);
	attribute(to, "name", name);
	buf_addf(to, " time=\"%.3f\"", record_seconds(item));
	if (item_failed(item)) {
		buf_addf(to, ">\n");
		failure(to, record, item);
		buf_addf(to, "    </testcase>\n");
	} else if (item_skipped(item)) {
		buf_addf(to, ">\n      <skipped");
		attribute(to, "message", *record_text(item, "message") ?
			  record_text(item, "message") : record_text(item, "verdict"));
		buf_addf(to, "/>\n    </testcase>\n");
	} else {
		buf_addf(to, "/>\n");
	}
}

struct suite {
	struct buf *to;
	const json_t *record;
	struct counts counts;
};

static void result_counts(void *context, const json_t *result, const char *path)
{
	struct suite *suite = context;

	(void)path;
	counts_add_item(&suite->counts, result);
}

static void result_case(void *context, const json_t *result, const char *path)
{
	struct suite *suite = context;

	testcase(suite->to, suite->record, result, path);
}

static void suite_attributes(struct buf *to, const json_t *record, size_t n)
{
	struct suite suite = { .to = to, .record = record };
	struct counts c;
	json_t *test;
	size_t i;

	counts_add(&suite.counts, record);
	json_array_foreach(json_object_get(record, "tests"), i, test)
		item_each_result(test, "", result_counts, &suite);
	c = suite.counts;
	attribute(to, "name", record_text(record, "name"));
	attribute(to, "package", record_text(record, "file"));
	buf_addf(to, " id=\"%zu\" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"",
		 n - 1, counts_all(&c), c.failed, c.broken, c.skipped);
	attribute(to, "timestamp", record_text(record, "started"));
	buf_addf(to, " hostname=\"localhost\" time=\"%.3f\"", record_seconds(record));
}

static void file(const json_t *record, size_t n, struct buf *to)
{
	const json_t *error = json_object_get(record, "error");
	struct suite suite = { .to = to, .record = record };
	json_t *test;
	size_t i;

	buf_addf(to, "  <testsuite");
	suite_attributes(to, record, n);
	buf_addf(to, ">\n    <properties>\n");
	property(to, record, "accel");
	property(to, record, "release");
	property(to, record, "kernels");
	property(to, record, "logs");
	if (json_is_true(json_object_get(record, "reused")))
		buf_addf(to, "      <property name=\"reused\" value=\"true\"/>\n");
	buf_addf(to, "    </properties>\n");
	json_array_foreach(json_object_get(record, "tests"), i, test) {
		testcase(to, record, test, record_text(test, "name"));
		item_each_result(test, record_text(test, "name"), result_case, &suite);
	}
	if (error)
		testcase(to, record, error, "(the file)");
	buf_addf(to, "    <system-out>");
	escape(to, record_text(record, "output"), false);
	buf_addf(to, "</system-out>\n    <system-err/>\n  </testsuite>\n");
}

static void begin(size_t nr_files, struct buf *to)
{
	(void)nr_files;
	buf_addf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
}

static void end(const struct counts *total, struct buf *to)
{
	(void)total;
	buf_addf(to, "</testsuites>\n");
}

const struct format format_junit = {
	.name = "junit", .begin = begin, .file = file, .end = end,
};
