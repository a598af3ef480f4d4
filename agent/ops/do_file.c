// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ops read and write: a file of the guest is read as a whole, and written
 * in pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/executor/op_fd.h"
#include "agent/ops/ops.h"

/* Returns the request's path as a C string; NULL after executor_fail(). */
static char *path_of(struct executor *ex, const struct wire_bytes *b)
{
	char *path = memchr(b->p, 0, b->len) ? NULL : executor_string(ex, b);

	if (!path)
		executor_fail(ex, WIRE_REASON_ERRNO, EINVAL,
			      "the path (%u bytes) is too long or contains a zero byte", b->len);
	return path;
}

int do_read(struct executor *ex, const struct wire_path_req *q,
	    struct wire_read_rep *p)
{
	const char *path = path_of(ex, &q->path);
	char *piece = executor_scratch(ex, WIRE_PIECE);
	ssize_t n;
	int fd, err;

	if (!path || !piece)
		return -1;
	fd = executor_open(ex, path, O_RDONLY);
	if (fd < 0)
		return executor_fail(ex, WIRE_REASON_ERRNO, -fd, "%s", path);
	while ((n = read(fd, piece, WIRE_PIECE)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		executor_data(ex, 1, piece, (size_t)n);
		p->size += (uint64_t)n;
	}
	err = errno;
	executor_close(ex, &fd);
	return n ? executor_fail(ex, WIRE_REASON_ERRNO, err, "%s", path) : 0;
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t offset)
{
	if (offset && lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	do {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	} while (n);
	return 0;
}

int do_write(struct executor *ex, const struct wire_write_req *q,
	     struct wire_nothing *p)
{
	const char *path = path_of(ex, &q->path);
	int fd, ret, closed;

	(void)p;
	if (!path)
		return -1;
	fd = executor_open(ex, path, q->offset ? O_WRONLY :
			   O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return executor_fail(ex, WIRE_REASON_ERRNO, -fd, "%s", path);
	ret = write_all(fd, q->data.p, q->data.len, q->offset);
	closed = executor_close(ex, &fd);
	ret = ret ? ret : closed;
	return ret ? executor_fail(ex, WIRE_REASON_ERRNO, -ret, "%s", path) : 0;
}
