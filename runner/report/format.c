// SPDX-License-Identifier: GPL-2.0-only
/* Finds a format by name, and has the parts that formats share. */
#include <string.h>

#include "runner/report/format.h"

const struct format *format_find(const char *name)
{
	static const struct format *const all[] = {
		&format_human, &format_tap, &format_json, &format_junit,
		&format_html, &format_github,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

void format_record(const struct format *format, const json_t *record, size_t n,
		   struct buf *to)
{
	json_t *test;
	size_t i;

	if (format->start)
		format->start(record, to);
	if (format->test)
		json_array_foreach(json_object_get(record, "tests"), i, test)
			format->test(record, test, to);
	if (format->file)
		format->file(record, n, to);
}

void format_lines(struct buf *to, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		buf_addf(to, "%s%.*s\n", indent, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* Returns a string.  In a damaged result the value may have another type. */
static const char *string_of(const json_t *value)
{
	return json_is_string(value) ? json_string_value(value) : "";
}

static int vm_number(const json_t *part)
{
	return (int)json_integer_value(json_object_get(part, "vm"));
}

static void kernel(struct buf *to, const char *indent, const json_t *part, size_t max)
{
	const json_t *lines = json_object_get(part, "lines");
	size_t nr = json_array_size(lines), from = nr > max ? nr - max : 0;
	size_t more = from + (size_t)json_integer_value(json_object_get(part, "more"));

	buf_addf(to, "%skernel log of VM %d:\n", indent, vm_number(part));
	if (more)
		buf_addf(to, "%s| … (%zu lines before these)\n", indent, more);
	for (size_t i = from; i < nr; i++)
		buf_addf(to, "%s| %s\n", indent,
			 string_of(json_array_get(lines, i)));
}

/*
 * Adds the lines of source around the first entry of a module in the stack of a
 * kernel's complaint.
 */
static void source(struct buf *to, const char *indent, const json_t *part)
{
	json_t *line;
	size_t i;

	if (!json_is_object(part))
		return;
	buf_addf(to, "%ssource at %s:\n", indent, record_text(part, "where"));
	json_array_foreach(json_object_get(part, "lines"), i, line)
		buf_addf(to, "%s| %s\n", indent, string_of(line));
}

/*
 * Adds a kernel complaint: its title, and its first max lines, of which the
 * very first explains the title.
 */
static void complaint(struct buf *to, const char *indent, const json_t *part, size_t max)
{
	const json_t *lines = json_object_get(part, "lines");
	long long reports = json_integer_value(json_object_get(part, "reports"));
	size_t nr = json_array_size(lines);

	buf_addf(to, "%skernel of VM %d reported: %s", indent, vm_number(part),
		 record_text(part, "title"));
	if (reports > 1)
		buf_addf(to, " (the first of %lld reports)", reports);
	buf_addf(to, "\n");
	for (size_t i = 0; i < nr && i < max; i++)
		buf_addf(to, "%s| %s\n", indent, string_of(json_array_get(lines, i)));
	if (nr > max)
		buf_addf(to, "%s| … (%zu more lines)\n", indent, nr - max);
	source(to, indent, json_object_get(part, "source"));
}

static void console(struct buf *to, const char *indent, const json_t *part)
{
	json_t *line;
	size_t i;

	buf_addf(to, "%sconsole of VM %d ends:\n", indent, vm_number(part));
	json_array_foreach(json_object_get(part, "lines"), i, line)
		buf_addf(to, "%s| %s\n", indent, string_of(line));
}

void format_evidence(struct buf *to, const char *indent, const json_t *item,
		     size_t kernel_lines)
{
	struct buf prefix = { 0 };
	json_t *part;
	size_t i;

	buf_addf(&prefix, "%slog: ", indent);
	if (*record_text(item, "where"))
		buf_addf(to, "%sat %s\n", indent, record_text(item, "where"));
	json_array_foreach(json_object_get(item, "log"), i, part)
		format_lines(to, buf_str(&prefix), string_of(part));
	json_array_foreach(json_object_get(item, "complaints"), i, part)
		complaint(to, indent, part, kernel_lines);
	if (!json_array_size(json_object_get(item, "complaints")))
		json_array_foreach(json_object_get(item, "kernel"), i, part)
			kernel(to, indent, part, kernel_lines);
	json_array_foreach(json_object_get(item, "consoles"), i, part)
		console(to, indent, part);
	if (*record_text(item, "repeat"))
		buf_addf(to, "%srepeat: %s\n", indent, record_text(item, "repeat"));
	if (*record_text(item, "look"))
		buf_addf(to, "%slook: %s\n%s      and then, in gdb: %s\n", indent,
			 record_text(item, "look"), indent, record_text(item, "in_gdb"));
	if (*record_text(item, "replay"))
		buf_addf(to, "%sreplay: %s\n", indent, record_text(item, "replay"));
	if (*record_text(item, "kept"))
		buf_addf(to, "%sVM kept: %s\n", indent, record_text(item, "kept"));
	buf_release(&prefix);
}

void format_file_notes(struct buf *to, const char *indent, const json_t *record)
{
	struct buf prefix = { 0 };
	json_t *note;
	size_t i;

	buf_addf(&prefix, "%sprinted: ", indent);
	format_lines(to, buf_str(&prefix), record_text(record, "output"));
	json_array_foreach(json_object_get(record, "notes"), i, note)
		buf_addf(to, "%snote: %s\n", indent, string_of(note));
	if (*record_text(record, "logs"))
		buf_addf(to, "%slogs kept in %s\n", indent, record_text(record, "logs"));
	if (*record_text(record, "logs_error"))
		buf_addf(to, "%slogs could not be kept: %s\n", indent,
			 record_text(record, "logs_error"));
	buf_release(&prefix);
}
