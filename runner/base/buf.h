/* SPDX-License-Identifier: GPL-2.0-only */
/* A growing byte buffer, and allocation that aborts instead of failing. */
#ifndef RUNNER_BASE_BUF_H
#define RUNNER_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All zeros is an empty buffer.  If memory runs out, the runner prints a
 * message and aborts.
 */
struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
};

/*
 * Makes room for n more bytes at the end.  The caller writes there and
 * increases len.
 */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* The content as a C string: a zero byte is written after it. */
char *buf_str(struct buf *b);
/*
 * Appends everything from fd up to the end of the stream or file.  0 or -errno.
 */
int buf_read_fd(struct buf *b, int fd);
int buf_read_file(struct buf *b, const char *path);
void buf_release(struct buf *b);

/* These functions never return NULL.  Callers free the result. */
void *xcalloc(size_t n, size_t size);
/* Resizes p to n elements of that size. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xvasprintf(const char *fmt, va_list ap);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
