// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of a console's last lines, as errors show them. */
#include <stdlib.h>
#include <string.h>

#include "runner/qemu/console.h"
#include "tests/fuzz/fuzz.h"

void fuzz(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "Kernel panic - ", "BUG: ", NULL };
	char text[512], line[64];
	int fd = fuzz_memory_file(data, size);

	console_tail(fd, 15, words, text, sizeof(text));
	console_tail(fd, 3, NULL, line, sizeof(line));
	console_find(fd, words, line, sizeof(line));
	if (!memchr(text, 0, sizeof(text)) || !memchr(line, 0, sizeof(line)))
		abort();
}
