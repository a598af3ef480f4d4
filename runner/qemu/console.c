// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the output of QEMU and the guest in memory; see console.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/qemu/console.h"

#define TAIL_BYTES 65536
#define TAIL_SEARCH_LINES 60

int console_open(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

off_t console_size(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) ? 0 : st.st_size;
}

off_t console_read(int fd, off_t from, struct buf *to)
{
	for (;;) {
		uint8_t *at = buf_room(to, TAIL_BYTES);
		ssize_t n = pread(fd, at, TAIL_BYTES, from);

		if (n <= 0)
			return from;
		from += n;
		for (ssize_t i = 0; i < n; i++)
			if (at[i] != '\r')
				to->p[to->len++] = at[i] ? at[i] : '?';
	}
}

static void read_tail(int fd, struct buf *to)
{
	off_t size = console_size(fd);

	console_read(fd, size > TAIL_BYTES ? size - TAIL_BYTES : 0, to);
}

static bool has_word(const char *line, const char *end, const char *const words[])
{
	for (size_t i = 0; words && words[i]; i++)
		if (memmem(line, (size_t)(end - line), words[i], strlen(words[i])))
			return true;
	return false;
}

/*
 * Finds the last nr lines between start and end.  If an earlier line has one of
 * the words, the result begins with that line.
 */
static char *last_lines(char *start, char *end, unsigned int nr, const char *const words[])
{
	char *from = end, *at = end, *line_end = end;

	for (unsigned int n = 1; at > start && n <= TAIL_SEARCH_LINES; n++) {
		while (at > start && at[-1] != '\n')
			at--;
		if (n <= nr || has_word(at, line_end, words))
			from = at;
		line_end = at > start ? --at : at;
	}
	return from;
}

void console_tail(int fd, unsigned int nr_lines, const char *const words[],
		  char *text, size_t cap)
{
	struct buf b = { 0 };
	char *start, *at, *save = NULL;
	size_t used = 0;

	read_tail(fd, &b);
	start = buf_str(&b);
	while (b.len && start[b.len - 1] == '\n')
		start[--b.len] = 0;
	at = last_lines(start, start + b.len, nr_lines, words);
	*text = 0;
	for (char *l = strtok_r(at, "\n", &save); l && used < cap;
	     l = strtok_r(NULL, "\n", &save)) {
		int n = snprintf(text + used, cap - used, "\n  %s", l);

		used += n > 0 ? (size_t)n : 0;
	}
	buf_release(&b);
}

void console_find(int fd, const char *const words[], char *line, size_t cap)
{
	struct buf b = { 0 };
	char *save = NULL;

	*line = 0;
	read_tail(fd, &b);
	for (char *l = strtok_r(buf_str(&b), "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; words[i]; i++)
			if (strstr(l, words[i]))
				snprintf(line, cap, "%s", strstr(l, words[i]));
	buf_release(&b);
}
