/* SPDX-License-Identifier: GPL-2.0-only */
/* A byte buffer that grows. */
#ifndef RUNNER_BASE_BUF_H
#define RUNNER_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Empty is all zero.  When memory runs out the runner aborts, saying so. */
struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
};

/* Room for n more bytes at the end; the caller adds to len what it used. */
uint8_t *buf_room(struct buf *b, size_t n);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Takes n bytes off the front. */
void buf_drop(struct buf *b, size_t n);
/* The content as a C string (a terminator is added behind it). */
char *buf_str(struct buf *b);
/* Everything that can be read from fd until its end.  0 or -errno. */
int buf_read_fd(struct buf *b, int fd);
int buf_read_file(struct buf *b, const char *path);
void buf_release(struct buf *b);

/* malloc and friends that do not return NULL. */
void *xcalloc(size_t n, size_t size);
/* Resizes p to n elements of that size. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xvasprintf(const char *fmt, va_list ap);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
