// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of failed.json for `provium test --rerun-failed`. */
#include <stdlib.h>

#include "runner/run/last_failures.h"
#include "tests/fuzz/fuzz.h"

/* The tests of an entry are null or a list of titles. */
static void check(const json_t *entry)
{
	json_t *tests = json_object_get(entry, "tests"), *title;
	size_t i;

	if (!json_is_null(tests) && !json_is_array(tests))
		abort();
	json_array_foreach(tests, i, title)
		if (!json_string_value(title))
			abort();
}

void fuzz(const uint8_t *data, size_t size)
{
	json_t *all = last_failures_read(fuzz_file("failed.json", data, size)), *entry;
	const char *path;

	if (!json_is_object(all))
		abort();
	json_object_foreach(all, path, entry) {
		check(entry);
		last_failures_entry(all, path);
	}
	json_decref(all);
}
