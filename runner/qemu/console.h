/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output of QEMU and the guest, in memory files.  They have no name, so
 * none is left behind if the runner is killed.  The harness copies them to the
 * logs of a failed test.
 */
#ifndef RUNNER_QEMU_CONSOLE_H
#define RUNNER_QEMU_CONSOLE_H

#include <stddef.h>
#include <sys/types.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

/* Creates a memory file.  Returns its close-on-exec descriptor, or -errno. */
int console_open(const char *name);
/* Returns the number of bytes printed so far; 0 if fd is -1 (not booted). */
off_t console_size(int fd);
/*
 * Appends what was printed from byte `from` on, without carriage returns.
 * Returns the offset of the end, from which a later call can go on.
 */
off_t console_read(int fd, off_t from, struct buf *to);
/*
 * Copies the last nr_lines lines into text, each after a line end and two
 * spaces.  If one of the last 60 lines has one of the words (a NULL-terminated
 * list, or NULL), copies everything from that line on.
 */
void console_tail(int fd, unsigned int nr_lines, const char *const words[],
		  char *text, size_t cap);
/*
 * Copies the last line that contains one of the words (a NULL-terminated list),
 * from that word on; "" if there is none.
 */
void console_find(int fd, const char *const words[], char *line, size_t cap);

#endif
