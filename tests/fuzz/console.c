// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes the reading of a console's last lines, as errors show them. */
#include <stdlib.h>
#include <string.h>

#include "runner/qemu/console.h"
#include "tests/fuzz/fuzz.h"

/* A console that is read in two parts must have the bytes of the whole. */
static void check_parts(int fd, off_t size)
{
	struct buf whole = { 0 }, parts = { 0 }, half = { 0 };

	if (console_size(fd) != size || console_read(fd, 0, &whole) != size ||
	    console_read(fd, size / 2, &half) != size)
		abort();
	if (half.len > whole.len)
		abort();
	buf_add(&parts, whole.p, whole.len - half.len);
	buf_add(&parts, half.p, half.len);
	if (whole.len && memcmp(parts.p, whole.p, whole.len))
		abort();
	buf_release(&whole);
	buf_release(&parts);
	buf_release(&half);
}

void fuzz(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "Kernel panic - ", "BUG: ", NULL };
	char text[512], line[64];
	int fd = fuzz_memory_file(data, size);

	console_tail(fd, 15, words, text, sizeof(text));
	console_tail(fd, 3, NULL, line, sizeof(line));
	console_find(fd, words, line, sizeof(line));
	check_parts(fd, (off_t)size);
	if (!memchr(text, 0, sizeof(text)) || !memchr(line, 0, sizeof(line)))
		abort();
}
