// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection to the agent; see conn.h.  PROVIUM_TRACE=1 prints every frame
 * on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/wire/stuffing.h"
#include "runner/vm/conn.h"

#define READ_BYTES 65536

void conn_init(struct conn *c)
{
	*c = (struct conn){ .fd = -1 };
}

void conn_open(struct conn *c, int fd)
{
	c->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void trace(const char *prefix, const struct wire_header *hdr,
		  const void *payload)
{
	static int on = -1;

	if (on < 0)
		on = getenv("PROVIUM_TRACE") != NULL;
	if (on)
		wire_print(stderr, prefix, hdr, payload);
}

int conn_send(struct conn *c, const struct wire_header *hdr, const void *payload)
{
	size_t n = WIRE_HEADER + hdr->len;
	uint8_t *raw = xreallocarray(NULL, n, 1);

	wire_put_header(raw, hdr);
	if (hdr->len)
		memcpy(raw + WIRE_HEADER, payload, hdr->len);
	stuffing_add(buf_room(&c->out, STUFFED_SIZE(n)), raw, n);
	c->out.len += STUFFED_SIZE(n);
	free(raw);
	trace("->", hdr, payload);
	return conn_flush(c);
}

int conn_flush(struct conn *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf_drop(&c->out, (size_t)n);
	}
	return 0;
}

bool conn_wants_out(const struct conn *c)
{
	return c->out.len;
}

int conn_feed(struct conn *c)
{
	ssize_t n = recv(c->fd, buf_room(&c->in, READ_BYTES), READ_BYTES, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	c->in.len += (size_t)n;
	return 0;
}

int conn_peek(struct conn *c, struct wire_header *hdr, const uint8_t **payload,
	      struct err *err)
{
	if (c->in.len < WIRE_HEADER)
		return 0;
	if (wire_get_header(c->in.p, hdr))
		return err_set(err, ERR_BROKEN, -EBADMSG,
			       "the agent sent a malformed frame (length %u, kind %u)",
			       hdr->len, hdr->kind);
	if (c->in.len < WIRE_HEADER + hdr->len)
		return 0;
	*payload = c->in.p + WIRE_HEADER;
	trace("<-", hdr, *payload);
	return 1;
}

void conn_drop(struct conn *c, const struct wire_header *hdr)
{
	buf_drop(&c->in, WIRE_HEADER + hdr->len);
}

void conn_release(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	conn_init(c);
}
