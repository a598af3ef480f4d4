/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What QEMU and the guest print: files without a name, so that nothing is
 * left behind whatever happens; copied to the logs when a test has failed.
 */
#ifndef RUNNER_QEMU_CONSOLE_H
#define RUNNER_QEMU_CONSOLE_H

#include <stddef.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

/* A close-on-exec descriptor of an empty file in memory, or -errno. */
int console_open(const char *name);
/* All of it so far; carriage returns left out. */
void console_read(int fd, struct buf *to);
/*
 * The last nr_lines lines, indented by two spaces, into text; if one of the words
 * (NULL-terminated list, or NULL) is in one of the last 60, all from there on.
 */
void console_tail(int fd, unsigned int nr_lines, const char *const words[],
		  char *text, size_t cap);
/* The last line that contains one of the words, NULL-terminated list; "" if none. */
void console_find(int fd, const char *const words[], char *line, size_t cap);

#endif
