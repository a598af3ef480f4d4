// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of an earlier probe's result, a file in out/accel/. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/deadline.h"
#include "runner/probe/record.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file("probe.json", data, size);
	struct record record;
	struct accel *a = &record.accel;
	char line[1024];

	if (record_load(path, "key", &record))
		return;
	if (!(a->slowness >= 1) || !memchr(a->reason, 0, sizeof(a->reason)) ||
	    !memchr(a->transport_reason, 0, sizeof(a->transport_reason)))
		abort();
	accel_line(a, "minimal", "6.1", line, sizeof(line));
	/* The runner multiplies every time limit by the slowness. */
	deadline_in(60 * a->slowness);
}
