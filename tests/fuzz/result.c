// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the reading of BASE.result, as "provium make-summary" does it, and
 * prints it in every format.
 */
#include <stdio.h>
#include <string.h>

#include "runner/report/format.h"
#include "runner/report/record.h"
#include "tests/fuzz/fuzz.h"

static void print(const struct format *f, const json_t *record, const struct counts *counts)
{
	struct buf text = { 0 };

	if (f->begin)
		f->begin(1, &text);
	format_record(f, record, 1, &text);
	if (f->end)
		f->end(counts, &text);
	buf_release(&text);
}

void fuzz(const uint8_t *data, size_t size)
{
	static const struct format *const formats[] = {
		&format_human, &format_brief, &format_tap, &format_json, &format_junit,
		&format_html,
	};
	char base[4096];
	const char *path = fuzz_file("fuzz.result", data, size);
	json_t *record = NULL;
	struct err err;
	struct counts counts = { 0 };
	struct buf line = { 0 };

	snprintf(base, sizeof(base), "%.*s", (int)(strlen(path) - strlen(".result")), path);
	if (result_read(base, &record, &err))
		return;
	counts_add(&counts, record);
	counts_line(&counts, &line);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		print(formats[i], record, &counts);
	buf_release(&line);
	json_decref(record);
}
