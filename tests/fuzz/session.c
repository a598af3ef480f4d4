// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of .session, a file that the runners of one make share. */
#include <stdlib.h>
#include <string.h>

#include "runner/make/session_file.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	struct session s;

	session_file_read(&s, fuzz_memory_file(data, size));
	for (size_t i = 0; i < s.nr_planned; i++)
		if (!s.planned[i].base)
			abort();
	session_release(&s);
}
