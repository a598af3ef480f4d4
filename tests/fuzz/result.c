// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the reading of BASE.result, as "provium summary" does it, and prints
 * it in every format.
 */
#include <stdio.h>
#include <string.h>

#include "runner/report/format.h"
#include "runner/report/record.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	static FILE *null;
	char base[4096];
	const char *path = fuzz_file("fuzz.result", data, size);
	json_t *record = NULL;
	struct err err;
	struct counts counts = { 0 };
	struct buf line = { 0 };

	if (!null)
		null = fopen("/dev/null", "w");
	snprintf(base, sizeof(base), "%.*s", (int)(strlen(path) - strlen(".result")), path);
	if (result_read(base, &record, &err) || !record)
		return;
	counts_add(&counts, record);
	counts_line(&counts, &line);
	buf_release(&line);
	json_decref(record);
}
