// SPDX-License-Identifier: GPL-2.0-only
/* A growing byte buffer, and allocation that aborts instead of failing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/buf.h"

static void *must(void *p)
{
	if (!p) {
		fputs("provium: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return must(calloc(n, size));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	return must(reallocarray(p, n, size));
}

char *xstrdup(const char *s)
{
	return must(strdup(s));
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s;
	int n = vasprintf(&s, fmt, ap);

	return must(n < 0 ? NULL : s);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	if (b->cap - b->len < n) {
		b->cap = b->cap * 2 > b->len + n ? b->cap * 2 : b->len + n;
		b->p = must(realloc(b->p, b->cap));
	}
	return b->p + b->len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(buf_room(b, n), p, n);
	b->len += n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	buf_add(b, s, strlen(s));
	free(s);
}

void buf_drop(struct buf *b, size_t n)
{
	b->len -= n;
	if (n && b->len)
		memmove(b->p, b->p + n, b->len);
}

char *buf_str(struct buf *b)
{
	*buf_room(b, 1) = 0;
	return (char *)b->p;
}

int buf_read_fd(struct buf *b, int fd)
{
	for (;;) {
		ssize_t n = read(fd, buf_room(b, 65536), 65536);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return 0;
		b->len += n > 0 ? (size_t)n : 0;
	}
}

int buf_read_file(struct buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = buf_read_fd(b, fd);
	close(fd);
	return ret;
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}
